"""Fields that are not everybody's to read: hidden wherever they would be shown; each reveal is audited."""
