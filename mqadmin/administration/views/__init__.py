"""Pages: `listed` is every list, `deciding` every dialog before an act; a module a noun."""
