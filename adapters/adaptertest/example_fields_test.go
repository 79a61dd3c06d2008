package adaptertest_test

import (
	"fmt"

	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/federation/entratest"
)

// A host's form is described by the names of its fields.
func ExampleFields() {
	form := adaptertest.Fields{Name: "user", Password: "password"}
	host := adaptertest.Host{SignIn: form.SignIn, Hint: form.Hint}

	page := entratest.Page{Forms: []entratest.Form{{Fields: []entratest.Field{
		{Name: "user", Value: "employee@contoso.com"}, {Name: "password", Type: "password"},
	}}}}
	fmt.Println(host.Hint(page))
	_, err := host.SignIn(page, adaptertest.Person{Name: "employee", Password: "correct horse"})
	fmt.Println(err)
	// Output:
	// employee@contoso.com
	// <nil>
}
