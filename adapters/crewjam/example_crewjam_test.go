package crewjam_test

import (
	"fmt"

	"github.com/crewjam/saml"

	"github.com/entrafed/entrafed/adapters/crewjam"
)

// A host says what of a session names a person for ever.
func ExamplePersonByUserName() {
	person, err := crewjam.PersonByUserName("staff")(&saml.Session{
		UserName: "employee", UserEmail: "employee@example.net", UserCommonName: "An Employee",
	})
	fmt.Println(person.Connection, person.ID, person.Email, err)
	// Output:
	// staff employee employee@example.net <nil>
}
