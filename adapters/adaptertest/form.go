package adaptertest

import (
	"errors"
	"fmt"

	"github.com/entrafed/entrafed/federation/entratest"
)

// Fields are the names of the fields in a host's sign-in form. With them most hosts are described: Fields.SignIn is a
// Host.SignIn, and Fields.Hint a Host.Hint.
type Fields struct {
	Name     string // of the user name's field: "username"
	Password string // of the password's
	Code     string // of the second factor's; empty: the form has none
}

var errNoFields = errors.New("adaptertest: the page has none of the fields that Fields names")

// SignIn fills in those of the fields that the page's first form has, and submits it. At a field for a code a person
// without one goes no further. A page without any of the fields is an error, which shows the page: a consent, for one,
// needs a function of the adapter's own.
func (f Fields) SignIn(page entratest.Page, as Person) (entratest.Action, error) {
	form, err := page.Form("")
	if err != nil {
		return entratest.Action{}, fmt.Errorf("%w: %d %s", err, page.Status, describePage(page))
	}
	typed := map[string]string{}
	for _, field := range form.Fields {
		switch field.Name {
		case "":
		case f.Name:
			typed[field.Name] = as.Name
		case f.Password:
			typed[field.Name] = as.Password
		case f.Code:
			if typed[field.Name] = as.Code; as.Code == "" {
				return entratest.Stop(), nil
			}
		}
	}
	if len(typed) == 0 {
		return entratest.Action{}, fmt.Errorf("%w: %s", errNoFields, describePage(page))
	}
	return page.Submit("", typed)
}

// Hint returns what the field for the user name has in it before anybody types.
func (f Fields) Hint(page entratest.Page) string {
	form, _ := page.Form("") // without one there is no hint
	for _, field := range form.Fields {
		if field.Name == f.Name {
			return field.Value
		}
	}
	return ""
}
