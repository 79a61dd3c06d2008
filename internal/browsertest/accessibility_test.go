package browsertest

import (
	"encoding/json"
	"slices"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// thing is something on the page as assistive technology sees it.
type thing struct {
	role, name string
	properties map[accessibility.PropertyName]string
}

// isTold returns the page as a screen reader gets it.
func (v *visitor) isTold() []thing {
	v.t.Helper()
	tree, err := chromedp.Call(v.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	require.NoError(v.t, err)
	var told []thing
	for _, node := range tree.Nodes {
		if node.Ignored {
			continue
		}
		seen := thing{role: plain(node.Role), name: plain(node.Name), properties: map[accessibility.PropertyName]string{}}
		for _, property := range node.Properties {
			seen.properties[property.Name] = plain(property.Value)
		}
		told = append(told, seen)
	}
	return told
}

// plain is a value of the tree as text.
func plain(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) == nil {
		return text
	}
	return string(v.Value)
}

// findsItsWayAbout: the page has one first heading, one main part, a title and a language.
func (v *visitor) findsItsWayAbout() {
	v.t.Helper()
	found := map[string]int{}
	for _, e := range v.isTold() {
		found[e.role]++
		if e.role == "heading" {
			found["heading of level "+e.properties["level"]]++
		}
		if e.role == "RootWebArea" {
			assert.NotEmpty(v.t, e.name, "the page has no title")
		}
	}
	assert.Equal(v.t, 1, found["heading of level 1"], "first headings")
	assert.Equal(v.t, 1, found["main"], "main parts")
	assert.Equal(v.t, "en", evaluate[string](v, `document.documentElement.lang`), "the language of the page")
}

// isToldTheNamesOfEverything that can be pressed, filled in or waited for.
func (v *visitor) isToldTheNamesOfEverything() {
	v.t.Helper()
	for _, e := range v.isTold() {
		switch e.role {
		case "link", "button", "textbox", "progressbar", "region":
			assert.NotEmpty(v.t, e.name, "a %s has no name", e.role)
		}
	}
}

// isToldOfChanges reports whether the page has a region whose changes are read out without taking the word.
func (v *visitor) isToldOfChanges() bool {
	v.t.Helper()
	return slices.ContainsFunc(v.isTold(), func(e thing) bool {
		return e.role == "status" && e.properties[accessibility.PropertyNameLive] == "polite"
	})
}
