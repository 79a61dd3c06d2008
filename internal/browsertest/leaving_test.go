package browsertest

import "testing"

// The browser is let through to Microsoft, and to wherever Microsoft leads it, from every page that can be the last one
// here: Chromium applies the form-action of a page to all redirects that follow its form.
func TestEveryWayOutIsOpen(t *testing.T) {
	t.Parallel()
	site := startShowcase(t)
	for name, way := range map[string]struct {
		path    string
		scripts bool
		presses string
	}{
		"the response":                       {"/ask?login_hint=signed-in", true, ""},
		"the response, by its button":        {"/ask?login_hint=signed-in", false, "Continue"},
		"a start link":                       {"/start?login_hint=signed-in", true, ""},
		"the form":                           {"/ask?login_hint=form-right", true, "Sign in"},
		"the form, at a start link":          {"/start?login_hint=form-right", true, "Sign in"},
		"the form, at a start link, by hand": {"/start?login_hint=form-right", false, "Sign in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			if !way.scripts {
				v.runsNoScripts()
			}
			v.opens(site.address("branded", way.path))
			if way.presses == "Sign in" {
				v.comesTo(formPage)
				v.writes("username", "contractor@example.net")
				v.writes("password", "open sesame")
			}
			if way.presses != "" {
				v.presses(way.presses)
			}
			v.comesTo(arrivedPage)
		})
	}
}
