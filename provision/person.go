package provision

import "time"

// Person is somebody who signs in at the host, as the host knows them.
type Person struct {
	// Connection names where the host got the person from: "google", "linkedin", "ldap". Required. Together with ID
	// it identifies the person for ever.
	Connection string

	// ID is the person's identifier within the connection, the one that never changes (an OIDC sub, an objectGUID),
	// not an address. Required.
	ID string

	// Email is the person's address. The default rule for the UPN takes its part before the @.
	Email string

	// DisplayName is at most 256 characters. Empty: given name and surname, else the address, else the UPN.
	DisplayName string

	GivenName string // at most 64 characters
	Surname   string // at most 64 characters

	// UsageLocation is the ISO 3166-1 alpha-2 code of the country where the person uses the service. Empty:
	// Rules.UsageLocation.
	UsageLocation string

	// UPN and ImmutableID are set by a host that already knows them, because a directory sync or an earlier system
	// chose them; both are required for a person whose connection a sync owns. Empty: the rules choose.
	UPN         string
	ImmutableID string

	// Claims are what else the host knows of the person, by the host's own names. [Rules.Attributes] says which of them
	// become properties of the account; the others are not used.
	Claims map[string]string

	// Manager is the person's manager: the object ID or the UPN of a user of the tenant. Empty: nothing is changed. A
	// manager who is not found, or whom the directory refuses, is logged, and the person is provisioned without. The
	// Directory must implement [Managers].
	Manager string
}

// Account is a person's account in Entra.
type Account struct {
	// ImmutableID and UPN are what the assertion must say: NameID and IDPEmail.
	ImmutableID string
	UPN         string

	// ObjectID is the user's id in Graph. Empty for a person whose connection a directory sync owns.
	ObjectID string

	// Skipped is true for a person whose connection a directory sync owns: nothing was looked up and nothing written.
	Skipped bool

	// CreatedAt is when the directory confirmed the creation. Zero for accounts that this pipeline did not create.
	CreatedAt time.Time

	// ReadyAt is when the account was first found ready to sign in.
	ReadyAt time.Time
}
