package adaptertest_test

import (
	"net/http"
	"strings"

	"github.com/entrafed/entrafed/adapters/adaptertest"
)

// What can be wrong with the hosts of these tests.
const (
	faultForgetsName     = "a name is forgotten"
	faultEmptyPassword   = "an empty password is good"
	faultTimeIsNow       = "the time is always the present"
	faultKeepsTime       = "a new sign-in keeps the time of the old one"
	faultBelieves        = "who comes back is believed to have signed in again"
	faultFactorUnstated  = "the second factor is not stated"
	faultFactorAlways    = "a second factor is always stated"
	faultFactorOfSession = "a session is taken for a second factor"
	faultAnyCode         = "any code is good"
	faultFactorBefore    = "the second factor is noted before it is checked"
	faultFactorLasts     = "a second factor lasts for all later sign-ins"
	faultSessionBefore   = "the session begins before the password is checked"
	faultOtherRenews     = "whoever signs in again renews the session that is there"
	faultKeepsCookie     = "the session keeps the cookie from before the sign-in"
	faultCookieOnly      = "a sign-out takes the cookie and leaves the session"
	faultPassiveRenews   = "a passive request makes a session new"
	faultHintIsProof     = "the hint says who is there"
	faultPassivePage     = "a passive request gets a page"
	faultPassiveNever    = "a passive request is always declined"
	faultSessionStays    = "a sign-out ends nothing"
	faultEndsAll         = "a sign-out ends everybody's sessions"
	faultOneReturn       = "one address to come back to for all tabs"
	faultCancelUnsaid    = "a cancelled sign-in looks like a failure"
	faultNoHint          = "the hint is lost"
	faultSilent          = "a failure is not logged"
	faultShowsCause      = "people read the cause of a failure"
	faultLooksWell       = "a failure looks like a success"
	faultNameAsID        = "the user name stands for the ID"
	faultInventsEmail    = "an address is invented"
	faultFixation        = "the session travels in the address"
	faultAnywhere        = "the sign-in page leads back to anywhere"
	faultSinceStart      = "what began before the process is refused"
	faultOwnMemory       = "sign-ins are in the memory of one process"
	faultSchemeOfRequest = "the address is taken from the request"
	faultLogsPassword    = "forms are logged"

	faultNoVerifier    = "no verifier"
	faultOwnCallback   = "a callback of its own that does not know the browser"
	faultStaysUpstream = "the provider is not signed out of"
	faultNoWayBack     = "no way back from the provider's sign-out"

	faultNeverForgets = "the Bridge does not forget what is over"
	faultUndescribed  = "a capability is neither described nor lacking"
)

// broken is a host with a fault, and the rules that notice it.
type broken struct {
	host  string
	fault string
	rules []string
}

const (
	ruleFailsBefore     = "a failure before the sign-in page signs nobody in and is logged, and passes"
	ruleFactorOfEarlier = "a second factor of an earlier sign-in is not stated of a new one"
	ruleCopiedCookie    = "a sign-out ends the session, and not only the browser's cookie"
	ruleFailsReturn     = "a failure at the return signs nobody in and is logged, and passes"
)

func faults() []broken {
	one := func(host, fault, rule string) broken { return broken{host, fault, []string{rule}} }
	return []broken{
		one("local", faultForgetsName, "a first sign-in provisions the person as the host knows them, and Entra lets them in"),
		one("local", faultEmptyPassword, "a wrong password and an empty one sign nobody in"),
		one("local", faultTimeIsNow, "a session is used again without a page, and the time stated is that of its sign-in"),
		one("local", faultKeepsTime, "who must sign in again gets a page, and the time stated is the new one"),
		one("local", faultBelieves, "who must sign in again and comes back without having done so is not signed in"),
		one("local", faultFactorUnstated, "a second factor that was proved is stated"),
		{"local", faultFactorAlways, []string{"a second factor that was not proved is not stated", ruleFactorOfEarlier}},
		one("local", faultFactorOfSession, "a session without a second factor does not serve where one is asked for"),
		one("local", faultAnyCode, "a wrong second factor is none"),
		one("local", faultFactorBefore, "a wrong second factor is none"),
		one("local", faultFactorLasts, ruleFactorOfEarlier),
		one("local", faultSessionBefore, "a wrong password and an empty one sign nobody in"),
		one("local", faultOtherRenews, "who signs in again as somebody else is not taken for the one whose session it was"),
		one("local", faultKeepsCookie, "a cookie that somebody planted before the sign-in lets nobody else in"),
		one("local", faultCookieOnly, ruleCopiedCookie),
		one("local", faultPassiveRenews, "a passive request for a new sign-in is not answered with an old one"),
		one("local", faultHintIsProof, "whom Entra expects is not thereby signed in"),
		one("local", faultPassivePage, "a passive request is declined without a page where nobody is signed in"),
		one("local", faultPassiveNever, "a passive request is answered without a page where there is a session"),
		{"local", faultSessionStays, []string{"after a sign-out the next sign-in asks again", ruleCopiedCookie}},
		one("relying", faultNoWayBack, "a sign-out is answered"),
		{"relying", faultStaysUpstream, []string{"a sign-out leads to the provider behind the host", ruleCopiedCookie}},
		one("local", faultEndsAll, "a sign-out ends no other browser's session"),
		one("local", faultOneReturn, "of two tabs at once each ends at its own request"),
		one("local", faultCancelUnsaid, "a cancelled sign-in ends at a page that says so"),
		one("local", faultNoHint, "whom Entra expects is handed on"),
		{"local", faultSilent, []string{ruleFailsBefore, ruleFailsReturn}},
		{"local", faultShowsCause, []string{ruleFailsBefore, ruleFailsReturn}},
		{"local", faultLooksWell, []string{ruleFailsBefore, ruleFailsReturn}},
		one("local", faultNameAsID, "a person without a stable ID gets a page that says so, and no account"),
		one("local", faultInventsEmail, "a person without an address gets a page that says so, and no account"),
		one("relying", faultOwnCallback, "another browser's return signs nobody in, now or later"),
		one("relying", faultNoVerifier, "another browser's answer does not serve in one's own sign-in"),
		one("local", faultFixation, "another browser's answer does not serve in one's own sign-in"),
		one("local", faultNeverForgets, "a return that is made twice is answered once"),
		one("local", faultAnywhere, "the way back leads nowhere else"),
		one("local", faultSinceStart, "a restart between the sign-in page and the return does no harm"),
		one("local", faultOwnMemory, "replicas that take turns do no harm"),
		one("local", faultSchemeOfRequest, "a proxy that cuts off the path and speaks HTTP does no harm"),
		one("local", faultLogsPassword, "no secret is in the log"),
		one("local", faultUndescribed, "a cancelled sign-in ends at a page that says so"),
	}
}

// describe is the host with its fault.
func (b broken) describe(env adaptertest.Environment) adaptertest.Host {
	host := hosts()[b.host](env, b.fault)
	switch b.fault {
	case faultNeverForgets:
		return host.Around(rememberingAll)
	case faultUndescribed:
		host.Cancel = nil
	}
	return host
}

// rememberingAll takes out of the answers what makes a browser forget cookies.
func rememberingAll(bridge http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bridge.ServeHTTP(&remembering{ResponseWriter: w}, r)
	})
}

type remembering struct{ http.ResponseWriter }

func (w *remembering) WriteHeader(status int) {
	kept := w.Header()["Set-Cookie"][:0]
	for _, cookie := range w.Header()["Set-Cookie"] {
		if !strings.Contains(cookie, "Max-Age=0") {
			kept = append(kept, cookie)
		}
	}
	w.Header()["Set-Cookie"] = kept
	w.ResponseWriter.WriteHeader(status)
}

func (w *remembering) Write(content []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.ResponseWriter.Write(content)
}
