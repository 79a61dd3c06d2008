package entratest

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/entrafed/entrafed"
)

// cloudInstanceName is how realm discovery names a cloud: the sign-in host without its first label.
func cloudInstanceName(c entrafed.Cloud) string {
	host := hostOf(c.Login)
	if name, ok := strings.CutPrefix(host, "login."); ok {
		return name
	}
	return host
}

// hostOf is the host of an origin, with its port.
func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}

// accountType says how a user of a domain signs in: "Federated", "Managed", or "Unknown" for a domain that is not the
// tenant's.
func (t *Tenant) accountType(upn string) (kind string, realm Realm) {
	realm, federated := t.realmOf(upn)
	t.mu.Lock()
	known := t.verifiedDomain(domainPart(upn)) != nil
	t.mu.Unlock()
	switch {
	case federated:
		return "Federated", realm
	case known:
		return "Managed", Realm{}
	}
	return "Unknown", Realm{}
}

// serveUserRealm is the realm discovery that MSAL uses: GET /common/UserRealm/{upn}?api-version=1.0.
func (t *Tenant) serveUserRealm(w http.ResponseWriter, r *http.Request) {
	upn := r.URL.Path[len("/common/userrealm/"):]
	if upn == "" {
		t.serveLegacyUserRealm(w, r)
		return
	}
	kind, realm := t.accountType(upn)
	answer := object{{"ver", "1.0"}, {"account_type", kind}}
	if kind != "Unknown" {
		answer = append(answer, member{"domain_name", domainPart(upn)})
	}
	if kind == "Federated" {
		protocol := "SAMLP"
		if realm.Federation.Protocol == WSFed {
			protocol = "WSTrust"
		}
		answer = append(answer,
			member{"federation_protocol", protocol},
			member{"federation_metadata_url", realm.Federation.MetadataExchangeURL},
			member{"federation_active_auth_url", realm.Federation.ActiveSignInURL},
		)
	}
	writeJSON(w, http.StatusOK, append(answer,
		member{"cloud_instance_name", cloudInstanceName(t.cloud)},
		member{"cloud_audience_urn", t.cloud.Audience},
	))
}

// realmInfo is the answer of the older realm discovery.
type realmInfo struct {
	XMLName                xml.Name `json:"-" xml:"RealmInfo"`
	Success                bool     `json:"-" xml:"Success,attr"`
	State                  int
	UserState              int
	Login                  string
	NameSpaceType          string
	DomainName             string `json:",omitempty" xml:",omitempty"`
	IsFederatedNS          bool
	FederationBrandName    string `json:",omitempty" xml:",omitempty"`
	AuthURL                string `json:",omitempty" xml:",omitempty"`
	STSAuthURL             string `json:",omitempty" xml:",omitempty"`
	MEXURL                 string `json:",omitempty" xml:",omitempty"`
	CloudInstanceName      string
	CloudInstanceIssuerUri string
}

// serveLegacyUserRealm is /GetUserRealm.srf?login={upn}, by GET or by a form, in JSON or with xml=1 in XML.
func (t *Tenant) serveLegacyUserRealm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBody)
	login := orElse(r.FormValue("login"), r.FormValue("user"))
	kind, realm := t.accountType(login)
	info := realmInfo{
		Success: true, State: 4, UserState: 1, Login: login, NameSpaceType: kind,
		CloudInstanceName: cloudInstanceName(t.cloud), CloudInstanceIssuerUri: t.cloud.Audience,
	}
	if kind != "Unknown" {
		info.DomainName = domainPart(login)
	}
	if kind == "Federated" {
		info.State, info.UserState, info.IsFederatedNS = 3, 2, true
		info.FederationBrandName = orElse(realm.Federation.DisplayName, realm.Domain)
		info.AuthURL = t.signInAddress(realm.Federation, login)
		info.STSAuthURL, info.MEXURL = realm.Federation.ActiveSignInURL, realm.Federation.MetadataExchangeURL
	}
	if r.FormValue("xml") != "1" {
		writeJSON(w, http.StatusOK, info)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_ = xml.NewEncoder(w).Encode(info)
}

// signInAddress is where the browser would be sent to sign in.
func (t *Tenant) signInAddress(f Federation, login string) string {
	if f.Protocol != WSFed {
		return f.SignInURL
	}
	query := url.Values{
		"username": {login}, "wa": {"wsignin1.0"}, "wtrealm": {t.cloud.Audience}, "wctx": {""},
	}
	separator := "?"
	if strings.Contains(f.SignInURL, "?") {
		separator = "&"
	}
	return f.SignInURL + separator + query.Encode()
}
