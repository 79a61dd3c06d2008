package entratest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// SignOut is a way to tell the identity provider of a sign-out. No public trace shows which one Entra takes; Microsoft's
// page says no more than that the message comes by redirect.
type SignOut string

// The ways. All but the first redirect to the SignOutURL of the domain, if it has one.
const (
	SignOutPage             SignOut = ""                        // a page with a link to the SignOutURL
	SignOutPlain            SignOut = "plain"                   // the SignOutURL as it is
	SignOutWSFed            SignOut = "wsignout1.0"             // the SignOutURL with wa=wsignout1.0
	SignOutRequest          SignOut = "LogoutRequest"           // an unsigned LogoutRequest in the HTTP-Redirect binding
	SignOutSignedRequest    SignOut = "signed LogoutRequest"    // the same, with the binding's signature in the query
	SignOutEnvelopedRequest SignOut = "enveloped LogoutRequest" // the same, with a signature inside the message instead
)

func (s SignOut) known() bool {
	return slices.Contains([]SignOut{
		SignOutPage, SignOutPlain, SignOutWSFed, SignOutRequest, SignOutSignedRequest, SignOutEnvelopedRequest,
	}, s)
}

// signOut is a LogoutRequest that waits for its answer. What is below the first block is guarded by signInState.mu.
type signOut struct {
	requestID  string
	relayState string
	realm      string // the domain
	started    time.Time

	used bool
}

// serveSignOut ends the session, whatever the browser's cookie is worth, and tells the identity provider.
func (t *Tenant) serveSignOut(w http.ResponseWriter, r *http.Request) {
	s, signedIn := t.endSession(w, r)
	realm, federated := t.realmOf(s.realm)
	if !signedIn || !federated || realm.Federation.SignOutURL == "" {
		t.show(w, http.StatusOK, signedOutPage("", ""))
		return
	}
	if t.requestOptions().SignOut == SignOutPage {
		t.show(w, http.StatusOK, signedOutPage("", realm.Federation.SignOutURL))
		return
	}
	address, err := t.signOutAddress(realm, s)
	if err != nil {
		t.cfg.Logger.Error("no sign-out can be sent", "realm", realm.Domain, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	t.cfg.Logger.Info("sign-out begun", "realm", realm.Domain)
	http.Redirect(w, r, address, http.StatusFound)
}

// serveCleanup ends the session and tells nobody: an identity provider asks for it in a frame while it signs the person
// out everywhere.
func (t *Tenant) serveCleanup(w http.ResponseWriter, r *http.Request) {
	t.endSession(w, r)
	t.show(w, http.StatusOK, signedOutPage("", ""))
}

func (t *Tenant) endSession(w http.ResponseWriter, r *http.Request) (s session, signedIn bool) {
	s, signedIn = t.sessionOf(r)
	t.signIn.close(cookieOf(r, cookieSession))
	t.setCookie(w, cookieSession, "")
	return s, signedIn
}

// signOutAddress is where the browser goes to sign out at the identity provider.
func (t *Tenant) signOutAddress(realm Realm, s session) (string, error) {
	address := realm.Federation.SignOutURL
	switch o := t.requestOptions(); o.SignOut {
	case SignOutWSFed:
		return withQuery(address, "wa=wsignout1.0"), nil
	case SignOutRequest, SignOutSignedRequest, SignOutEnvelopedRequest:
		query, err := t.logoutQuery(address, o, s)
		if err != nil {
			return "", fmt.Errorf("entratest: the LogoutRequest cannot be signed: %w", err)
		}
		return withQuery(address, query), nil
	}
	return address, nil
}

// logoutQuery is a LogoutRequest as the HTTP-Redirect binding carries it: deflated, in base64, in the query.
func (t *Tenant) logoutQuery(destination string, o RequestOptions, s session) (string, error) {
	begun := &signOut{
		requestID: "_" + t.newGUID(), realm: s.realm, started: t.now(),
		relayState: relayStatePrefix + strings.ReplaceAll(t.newGUID(), "-", "") + "+/=",
	}
	t.signIn.rememberSignOut(begun)
	message := t.logoutRequest(begun, destination, s)
	if o.SignOut == SignOutEnvelopedRequest {
		if err := t.signMessage(message.Root(), o); err != nil {
			return "", err
		}
	}
	query := "SAMLRequest=" + url.QueryEscape(deflated(written(message))) +
		"&RelayState=" + url.QueryEscape(begun.relayState)
	if o.SignOut != SignOutSignedRequest {
		return query, nil
	}
	key, err := t.keyFor(o)
	if err != nil {
		return "", err
	}
	return key.signQuery(query, o.signatureKind())
}

// logoutRequest names the user and the session as the assertion did.
func (t *Tenant) logoutRequest(begun *signOut, destination string, s session) *etree.Document {
	doc := etree.NewDocument()
	request := newProtocolMessage(doc, "LogoutRequest", begun.requestID, begun.started, t.cloud.Audience)
	request.CreateAttr("Destination", destination)
	nameID := request.CreateElement("NameID")
	nameID.CreateAttr("xmlns", nsAssertion)
	nameID.CreateAttr("Format", formatPersistent)
	nameID.SetText(s.user.ImmutableID)
	if s.index != "" {
		request.CreateElement("samlp:SessionIndex").SetText(s.index)
	}
	return doc
}

func deflated(document []byte) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil { // only for a level that does not exist
		return ""
	}
	_, _ = w.Write(document) // into memory
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
