package saml_test

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/entrafed/entrafed/saml"
)

// What a person reads depends on the reason; the whole error is for the log.
func ExampleRequestError() {
	_, err := exampleIdP().ReadRequest(post(url.Values{"SAMLRequest": {"not base64!"}}))
	switch {
	case errors.Is(err, saml.ErrExpired):
		fmt.Println("You took a little too long. Please start again.")
	case err != nil:
		fmt.Println("This sign-in link cannot be used.")
	}
	fmt.Println(err)
	// Output:
	// This sign-in link cannot be used.
	// saml: the SAMLRequest is not encoded as its binding asks: SAMLRequest is not base64: illegal base64 data at input byte 3
}
