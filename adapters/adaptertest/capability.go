package adaptertest

// Capability is something that not every host has, and that some rules need.
type Capability string

// The capabilities. Each names what of [Host] describes it.
const (
	// Sessions: who has signed in once is not asked again in the same browser.
	Sessions Capability = "sessions"

	// Passwords: people prove who they are with Person.Password.
	Passwords Capability = "passwords"

	// SecondFactor: people can prove a second factor, with Person.Code.
	SecondFactor Capability = "second factor"

	// Cancelling: the host's pages have a way out, Host.Cancel.
	Cancelling Capability = "a way out of the sign-in"

	// LoginHints: the host's pages show whom Entra expects, Host.Hint.
	LoginHints Capability = "login hints"

	// Logout: the Authenticator is an [github.com/entrafed/entrafed/adapters.SessionEnder].
	Logout Capability = "logout"

	// Revocation: a session that has ended is over for who kept a copy of its cookie, too. Hosts whose sessions are in the
	// cookie and nowhere else lack it.
	Revocation Capability = "revocation of sessions"

	// UpstreamLogout: it is an [github.com/entrafed/entrafed/adapters.SignOutRedirecter] as well.
	UpstreamLogout Capability = "logout at a provider behind the host"

	// Failing: what the Authenticator depends on can be made to fail, with Host.Fail.
	Failing Capability = "something that can fail"

	// PeopleWithoutID: the host can have people without an identifier that never changes, such as Host.WithoutID.
	PeopleWithoutID Capability = "people without a stable ID"

	// PeopleWithoutEmail: the host can have people without an address, such as Host.WithoutEmail.
	PeopleWithoutEmail Capability = "people without an address"

	// Replicas: another process can go on with what one began, Host.Replica.
	Replicas Capability = "replicas"
)

// described says which capabilities the fields of the host describe. The rest it has, unless it says otherwise.
func (h Host) described(c Capability) bool {
	switch c {
	case Passwords:
		return h.Person.Password != ""
	case SecondFactor:
		return h.Person.Code != ""
	case Cancelling:
		return h.Cancel != nil
	case LoginHints:
		return h.Hint != nil
	case Logout:
		return h.endsSessions()
	case UpstreamLogout:
		return h.redirectsSignOuts()
	case Failing:
		return h.Fail != nil
	case PeopleWithoutID:
		return h.WithoutID != nil
	case PeopleWithoutEmail:
		return h.WithoutEmail != nil
	case Replicas:
		return h.Replica != nil
	}
	return true
}

// describing names what of a Host describes the capability.
func describing(c Capability) string {
	return map[Capability]string{
		Passwords: "Person.Password", SecondFactor: "Person.Code", Cancelling: "Cancel", LoginHints: "Hint",
		Logout: "Authenticator.EndSession", UpstreamLogout: "Authenticator.SignOutURL", Failing: "Fail",
		PeopleWithoutID: "WithoutID", PeopleWithoutEmail: "WithoutEmail", Replicas: "Replica",
	}[c]
}
