package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
)

// Discovery asks Entra how the people of a domain sign in, as any browser or client can, without a credential. It must be
// safe for concurrent use.
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

// longestRealm, in bytes, is the longest answer that is read; those of Entra have less than 2,000.
const longestRealm = 64 << 10

// NewDiscovery asks the sign-in service of a cloud over HTTP: GET {Login}/common/UserRealm/{upn}?api-version=1.0, and, of a
// federated domain, GET {Login}/GetUserRealm.srf for where the browser is sent to. It asks for nobody@domain, because Entra
// looks at the domain alone. What fails is a *[DirectoryError]. Answers of more than 64 KiB are refused.
//
// Of the cloud, only Login is looked at, which must be https, or http on a loopback host with Cloud.InsecureLoopback. The
// client nil is one that takes 10 seconds. No client follows a redirect: the answer decides where people sign in.
//
// Neither is documented by Microsoft; the first is what its authentication libraries ask:
// https://github.com/AzureAD/microsoft-authentication-library-for-go.
func NewDiscovery(cloud entrafed.Cloud, client *http.Client) (Discovery, error) {
	cloud = cloud.OrGlobal()
	if err := cloud.CheckURL(cloud.Login); err != nil {
		return nil, fmt.Errorf("federation: the Login of the Cloud cannot be used: %w", err)
	}
	return &httpDiscovery{login: strings.TrimSuffix(cloud.Login, "/"), client: withoutRedirects(client)}, nil
}

type httpDiscovery struct {
	login  string
	client *http.Client
}

// Realm implements [Discovery].
func (d *httpDiscovery) Realm(ctx context.Context, domain string) (Realm, error) {
	domain = strings.ToLower(domain)
	if !isDomainName(domain) {
		return Realm{}, fmt.Errorf("federation: %q is not the name of a domain", domain)
	}
	upn := "nobody@" + domain
	var first userRealm
	err := d.get(ctx, "GET /common/UserRealm/{upn}",
		d.login+"/common/UserRealm/"+url.PathEscape(upn)+"?api-version=1.0", &first)
	if err != nil {
		return Realm{}, err
	}
	realm, err := first.realm(domain)
	if err != nil || realm.Type != FederatedRealm {
		return realm, err
	}
	var second legacyRealm
	err = d.get(ctx, "GET /GetUserRealm.srf", d.login+"/GetUserRealm.srf?login="+url.QueryEscape(upn), &second)
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrThrottled) {
		return realm, err
	}
	if err == nil && strings.EqualFold(second.NameSpaceType, string(FederatedRealm)) {
		realm.SignInURL, realm.BrandName = withoutQuery(second.AuthURL), second.FederationBrandName
	}
	return realm, nil
}

// userRealm is the answer of the realm discovery of version 1.0.
type userRealm struct {
	AccountType         string `json:"account_type"`
	FederationProtocol  string `json:"federation_protocol"`
	FederationMetadata  string `json:"federation_metadata_url"`
	FederationActiveURL string `json:"federation_active_auth_url"`
	CloudInstanceName   string `json:"cloud_instance_name"`
	CloudAudience       string `json:"cloud_audience_urn"`
}

// legacyRealm is the answer of the older realm discovery.
type legacyRealm struct {
	NameSpaceType       string
	AuthURL             string
	FederationBrandName string
}

func (u userRealm) realm(domain string) (Realm, error) {
	r := Realm{Domain: domain, CloudInstanceName: u.CloudInstanceName, Audience: u.CloudAudience}
	for _, known := range []RealmType{FederatedRealm, ManagedRealm, UnknownRealm} {
		if strings.EqualFold(u.AccountType, string(known)) {
			r.Type = known
		}
	}
	switch r.Type {
	case "":
		return Realm{}, fmt.Errorf("federation: realm discovery says that %s is %q, which is not known", domain, u.AccountType)
	case FederatedRealm:
		r.Protocol = u.protocol()
		r.ActiveSignInURL, r.MetadataURL = u.FederationActiveURL, u.FederationMetadata
	}
	return r, nil
}

// protocol is what the identity provider speaks; empty where the answer says something that is not known.
func (u userRealm) protocol() Protocol {
	switch name := strings.ToLower(u.FederationProtocol); {
	case strings.HasPrefix(name, "saml"):
		return SAML
	case name == "wstrust" || name == "wsfed":
		return WSFed
	}
	return ""
}

// get asks, and reads the answer into result.
func (d *httpDiscovery) get(ctx context.Context, operation, address string, result any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("federation: %s: %w", operation, err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := d.client.Do(request)
	if err != nil {
		return &DirectoryError{Operation: operation, Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return refusedDiscovery(operation, response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, longestRealm+1))
	switch {
	case err != nil:
		return &DirectoryError{Operation: operation, Err: err}
	case len(body) > longestRealm:
		return fmt.Errorf("federation: %s: the answer has more than %d bytes", operation, longestRealm)
	}
	if err := json.Unmarshal(body, result); err != nil {
		return fmt.Errorf("federation: %s: the answer is not understood: %w", operation, err)
	}
	return nil
}

func refusedDiscovery(operation string, response *http.Response) error {
	e := &DirectoryError{
		Operation: operation, Status: response.StatusCode, RequestID: response.Header.Get("x-ms-request-id"),
		RetryAfter: retryAfter(response.Header),
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		e.Message = "it redirects to somewhere else, which is not followed"
	}
	return e
}

// retryAfter is what the header asks for (RFC 9110 section 10.2.3), at most an hour: seconds, or a date of the clock that the
// answer's own Date is of.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(time.Hour/time.Second))) * time.Second
	}
	until, err := http.ParseTime(text)
	now, errToo := http.ParseTime(header.Get("Date"))
	if err != nil || errToo != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), time.Hour)
}
