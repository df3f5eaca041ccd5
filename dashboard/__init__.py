"""What people see and sign: a Streamlit application over the services of `core`."""
