package aadsts

import (
	"slices"
	"strings"
)

// Code is one error code of Entra's security token service.
type Code struct {
	// Number is what follows "AADSTS": "51004".
	Number string

	// Name is Microsoft's name of the error. It is empty where none is published.
	Name string

	// Message is what Entra shows, with {braces} around what it fills in. Where no public page or report has the
	// text, Cause says so and Message is this module's own.
	Message string

	// Cause is what brings the code about in a federated sign-in. It says what is documented, reported or assumed.
	Cause string

	// Remedy is what the operator of the identity provider does next.
	Remedy string
}

// String returns the code as Entra prints it: "AADSTS51004".
func (c Code) String() string { return "AADSTS" + c.Number }

// URL is the page with Entra's current text for the code, on the worldwide cloud.
func (c Code) URL() string { return "https://login.microsoftonline.com/error?code=" + c.Number }

// Lookup finds a code by its number, with or without "AADSTS" before it.
func Lookup(number string) (Code, bool) {
	number = strings.TrimPrefix(number, "AADSTS")
	for _, c := range catalogue() {
		if c.Number == number {
			return c, true
		}
	}
	return Code{}, false
}

// All returns every code of the catalogue, in the order of their names as text ("20001" before "500082" before
// "90013"). The slice is the caller's.
func All() []Code {
	return slices.SortedFunc(slices.Values(catalogue()), func(a, b Code) int { return strings.Compare(a.Number, b.Number) })
}
