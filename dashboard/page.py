"""The script that Streamlit runs at every interaction of every reader."""

from dashboard.views.frame import show

show()
