// Package session puts a net/http application behind the Bridge: one that has sign-in pages and sessions of its own,
// whatever keeps them.
//
//	host, err := session.New(session.Config{
//		BaseURL:   "https://id.contoso.com/entra",
//		SignInURL: "https://id.contoso.com/login",
//		Person: func(r *http.Request) (*adapters.SignedIn, error) {
//			account, at := currentAccount(r) // as the application's other pages do
//			if account == nil {
//				return nil, nil
//			}
//			person := provision.Person{Connection: "app", ID: account.ID, Email: account.Email}
//			return &adapters.SignedIn{Person: person, At: at}, nil
//		},
//		End: func(w http.ResponseWriter, r *http.Request) error { return signOut(w, r) },
//	})
//	bridge, err := adapters.New(adapters.Config{Authenticator: host, … })
//
// # What the application does
//
// Nobody who is signed in sees a page. Everybody else is sent to SignInURL with these parameters:
//
//	return_to   where to go when the person is signed in: check it with [Authenticator.ReturnTo]
//	prompt      "login" if a session is not enough: the person must prove again who they are
//	mfa         "1" if a second factor is wanted
//	login_hint  whom Entra expects, often absent
//
// The page signs in as it always does, and then redirects to return_to. Somebody who changes their mind is sent there
// with [Cancelled] added. A middleware that loads sessions, such as those of scs, must be around the Bridge as it is
// around the application's other pages.
//
// # What is true of a session
//
// SignedIn.At is when the person proved who they are, and has to be in the session; SignedIn.MFA says that they proved
// a second factor then. Entra is told so.
package session
