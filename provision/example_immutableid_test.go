package provision_test

import (
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// People whom Entra Connect brought from Active Directory have the base64 of their objectGUID.
func ExampleImmutableIDFromObjectGUID() {
	id, err := provision.ImmutableIDFromObjectGUID("00112233-4455-6677-8899-aabbccddeeff")
	fmt.Println(id, err)
	// Output: MyIRAFVEd2aImaq7zN3u/w== <nil>
}

// New people get 32 characters that need no escaping anywhere.
func ExampleImmutableIDFromSubject() {
	fmt.Println(provision.ImmutableIDFromSubject("google", "104"))
	// Output: 7614ccac96d8569a50e7d1060dd9e897
}

// Why an address may not do.
func ExampleImmutableIDFromEmail() {
	_, err := provision.ImmutableIDFromEmail("first_last@example.net")
	fmt.Println(err)
	// Output: provision: the ImmutableID "first_last@example.net" has a "$" or a "_" in it
}

// An existing ImmutableID is sent as it is, even where a new one would look otherwise.
func ExampleImmutableIDWarnings() {
	id := "MyIRAFVEd2aImaq7zN3u/w=="
	fmt.Println(provision.ValidateImmutableID(id))
	for _, warning := range provision.ImmutableIDWarnings(id) {
		fmt.Println(warning)
	}
	// Output:
	// <nil>
	// the ImmutableID has "+", "/" or "=" in it (base64): send it raw, never as ".2B"
}
