package main

import (
	_ "embed" // the logos and the layout
	"html/template"

	"github.com/entrafed/entrafed/adapters"
)

//go:embed logo.svg
var logo []byte

//go:embed logo-dark.svg
var darkLogo []byte

//go:embed layout.html
var layout string

// dresses are the looks of the pages, by the first part of their addresses.
func dresses() map[string]adapters.Brand {
	branded := adapters.Brand{
		Name:     "Contoso",
		Logo:     adapters.Logo{MediaType: "image/svg+xml", Content: logo},
		DarkLogo: adapters.Logo{MediaType: "image/svg+xml", Content: darkLogo},
		Light:    adapters.Colors{Accent: "#7a1f5c", Background: "#f7f2f5"},
		Dark:     adapters.Colors{Accent: "#f0a6d2", OnAccent: "#2a0a1f"},
	}
	laidOut := branded
	laidOut.Layout = template.Must(template.New("layout").Parse(layout))
	laidOut.LightOnly = true
	mirrored := adapters.English()
	mirrored.Tag, mirrored.RightToLeft = "ar", true
	return map[string]adapters.Brand{
		"plain":    {},
		"branded":  branded,
		"layout":   laidOut,
		"mirrored": {Name: "Contoso", Languages: []adapters.Language{mirrored}},
	}
}
