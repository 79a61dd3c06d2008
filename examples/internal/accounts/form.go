package accounts

import (
	_ "embed" // the page
	"html/template"
	"net/http"
)

// Form is a sign-in page.
type Form struct {
	Heading   string
	Problem   string // what was wrong with what was typed before; empty: nothing
	Action    string // where it is posted to
	Hidden    map[string]string
	NameField string // what the form calls the name: [NameField], for those who [Check] it here
	Name      string // what stands in that field already
	Cancel    string // where those go who do not sign in; empty: nowhere
}

// Known are the people that the page names.
func (Form) Known() []Account { return Known() }

// Password is the password that it names.
func (Form) Password() string { return Password }

//go:embed page.html
var pageHTML string

var page = newPage()

func newPage() *template.Template { return template.Must(template.New("page").Parse(pageHTML)) }

// Page is a template of a host that executes one itself, with the functions that it calls. It ends up at {{template "page"}}
// with a [Form].
func Page(text string, functions template.FuncMap) *template.Template {
	return template.Must(newPage().New("host").Funcs(functions).Parse(text)) // page itself cannot be added to once it was shown
}

// Show shows the page.
func (f Form) Show(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'")
	if f.Problem != "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_ = page.Execute(w, f)
}

// ShowForm shows the page of a host with its sign-in at /login, which keeps return_to.
func ShowForm(w http.ResponseWriter, r *http.Request, problem string) {
	back := r.FormValue("return_to")
	form := Form{
		Heading: "Sign in to the application", Problem: problem, Action: "/login",
		Hidden: map[string]string{"return_to": back}, NameField: NameField, Name: r.FormValue("login_hint"),
	}
	if back != "" {
		form.Cancel = back + "?cancelled"
	}
	form.Show(w)
}
