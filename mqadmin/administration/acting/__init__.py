"""How anything of a broker is changed: the dialog before it, its form, the one way by which the act is done."""
