package federation

import (
	"context"
	"net/http"

	"github.com/entrafed/entrafed"
)

// Discovery asks Entra how the people of a domain sign in, as any browser or client can, without a credential.
type Discovery interface {
	// Realm asks for a domain. An unknown domain is a Realm with Type [UnknownRealm], not an error.
	Realm(ctx context.Context, domain string) (Realm, error)
}

// Realm is how the people of a domain sign in, as Entra's sign-in service says.
type Realm struct {
	Domain            string    `json:"domain"`
	Type              RealmType `json:"type"`
	Protocol          Protocol  `json:"protocol,omitempty"`  // of a federated one; empty: not said
	SignInURL         string    `json:"signInUrl,omitempty"` // of a federated one, without its query; empty: not said
	BrandName         string    `json:"brandName,omitempty"` // the DisplayName of the federation
	ActiveSignInURL   string    `json:"activeSignInUrl,omitempty"`
	MetadataURL       string    `json:"metadataUrl,omitempty"`
	CloudInstanceName string    `json:"cloudInstanceName,omitempty"`
	Audience          string    `json:"audience,omitempty"` // cloud_audience_urn
}

// RealmType is a kind of realm.
type RealmType string

// The kinds of realm, as Entra names them.
const (
	FederatedRealm RealmType = "Federated"
	ManagedRealm   RealmType = "Managed"
	UnknownRealm   RealmType = "Unknown"
)

// NewDiscovery asks the sign-in service of a cloud over HTTP: GET {Login}/common/UserRealm/{upn}?api-version=1.0, and
// {Login}/GetUserRealm.srf for what that does not say. The client nil is one that follows no redirect and takes 10 seconds.
func NewDiscovery(cloud entrafed.Cloud, client *http.Client) (Discovery, error) { panic("contract") }
