"""What every language-model judge shares: where the model is, how it is asked, why it gave no answer."""
