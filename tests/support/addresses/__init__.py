"""Every page and every call of the API: who may open it, and a row of everything that its address can name."""
