// Package accounts is the part of an example host that it had before: people with passwords, and a sign-in page.
package accounts

import (
	"crypto/subtle"
	"net/http"
)

// Account is somebody whom the host knows. ID is a UUID.
type Account struct{ ID, Name, Email, DisplayName, GivenName, Surname string }

// Known are those whom it knows. The password of each is [Password].
func Known() []Account {
	return []Account{
		{"0d9a5b1c-7c1e-4f0b-9d55-1f6f2b0c8a01", "contractor", "contractor@example.net", "A Contractor", "A", "Contractor"},
		{"0d9a5b1c-7c1e-4f0b-9d55-1f6f2b0c8a02", "partner", "partner@example.org", "A Partner", "A", "Partner"},
	}
}

// Password is everybody's. It is on the sign-in page: this is a demonstration on one machine.
const Password = "open sesame"

// ByID finds an account.
func ByID(id string) (Account, bool) {
	for _, account := range Known() {
		if account.ID == id {
			return account, true
		}
	}
	return Account{}, false
}

// NameField is what the form calls the name.
const NameField = "username"

// Check reads the form and returns the account whose name and password it has; otherwise nil, and what to tell the person.
func Check(r *http.Request) (account *Account, problem string) {
	if r.Method != http.MethodPost {
		return nil, ""
	}
	right := subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(Password)) == 1
	for _, account := range Known() {
		if right && account.Name == r.PostFormValue(NameField) {
			return &account, ""
		}
	}
	return nil, "The user name or the password is not right."
}
