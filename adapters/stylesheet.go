package adapters

import (
	_ "embed" // the style sheet
	"regexp"
	"strings"
)

//go:embed page.css
var pageCSS string

// variablePrefix is how the names of the pages' CSS variables begin.
const variablePrefix = "--entrafed-"

var variableDeclaration = regexp.MustCompile(`([a-z-]+):([^;{}]*var\(--entrafed-[a-z-]+\)[^;{}]*)`)

// stylesheet is the whole style of the pages: ours, the colours, the host's.
//
// Engines without CSS variables, such as that of Internet Explorer 11, which older Office applications embed, pass over a
// declaration that uses one. Each is therefore preceded by the same one with the light colour written out; no such engine
// knows of dark schemes.
func (b Brand) stylesheet() string {
	var css strings.Builder
	css.WriteString(":root{color-scheme:" + b.scheme() + ";" + b.Light.variables() + variablePrefix + "font:" + b.Font + "}\n")
	if !b.LightOnly {
		css.WriteString("@media (prefers-color-scheme:dark){:root{" + b.Dark.variables() + "}}\n")
	}
	light := b.literals()
	css.WriteString(variableDeclaration.ReplaceAllStringFunc(pageCSS, func(declaration string) string {
		return light.Replace(declaration) + ";" + declaration
	}))
	css.WriteString(b.Stylesheet)
	return css.String()
}

// scheme is what the pages tell the browser about their colours, so that its own parts fit.
func (b Brand) scheme() string {
	if b.LightOnly {
		return "light"
	}
	return "light dark"
}

// variables are the declarations of the colours.
func (c Colors) variables() string {
	var css strings.Builder
	for _, t := range c.tones() {
		css.WriteString(variablePrefix + t.name + ":" + *t.value + ";")
	}
	return css.String()
}

// literals replaces each variable by its light value.
func (b Brand) literals() *strings.Replacer {
	pairs := []string{"var(" + variablePrefix + "font)", b.Font}
	for _, t := range b.Light.tones() {
		pairs = append(pairs, "var("+variablePrefix+t.name+")", *t.value)
	}
	return strings.NewReplacer(pairs...)
}
