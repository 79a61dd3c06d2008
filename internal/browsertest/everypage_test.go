package browsertest

import "testing"

// stop is a page where visitors can rest, and the way there.
type stop struct {
	page    page
	scripts bool // run on the way: without them, the pages that go on by themselves stay
	comes   func(v *visitor, site quickstart)
}

// Every page of the quickstart, of the bridge and of the simulated Microsoft 365 keeps the same rules for people who
// see badly, who use a keyboard or a screen reader, or who have a small screen.
func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	slow := startQuickstart(t, "-lag", "bad", "-seed", "1") // so that the page with the steps stays
	for name, s := range map[string]stop{
		"the start": {page: homePage, comes: func(v *visitor, site quickstart) { v.opens(site.home) }},
		"the start of somebody signed in": {page: homePage, comes: func(v *visitor, site quickstart) {
			v.chooses(site, "A contractor who was here before")
			v.comesTo(responsePage)
			v.opens(site.home)
		}},
		"who are you": {page: choicePage, comes: func(v *visitor, site quickstart) {
			v.opens(site.startLink(site.document()))
		}},
		"the request on its way": {page: requestPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.smartLink(site.document()))
		}},
		"the steps": {page: progressPage, scripts: true, comes: func(v *visitor, _ quickstart) {
			v.opens(slow.smartLink(slow.document()))
			v.comesTo(choicePage)
			v.presses("A partner with a LinkedIn account")
		}},
		"the response on its way": {page: responsePage, comes: func(v *visitor, site quickstart) {
			v.chooses(site, "A contractor who was here before")
		}},
		"the document": {page: documentPage, scripts: true, comes: signsIn},
		"no licence is left": {page: noLicencePage, scripts: true, comes: func(v *visitor, site quickstart) {
			v.opens(site.smartLink(site.document()))
			v.comesTo(choicePage)
			v.presses("An agency worker for whom no licence is left")
		}},
		"a refused link": {page: refusedPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.smartLink("https://example.net/"))
		}},
		"a refused start link": {page: noStartPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.startLink("https://example.net/"))
		}},
		"no request": {page: noRequestPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.home + "/entra/sso")
		}},
		"a sign-in is over": {page: overPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.home + "/entra/signin/00")
		}},
		"signed out": {page: goodbyePage, comes: func(v *visitor, site quickstart) {
			v.opens(site.home + "/entra/logout")
		}},
		"nowhere": {page: nowherePage, comes: func(v *visitor, site quickstart) {
			v.opens(site.home + "/entra/nowhere")
		}},
		"Microsoft asks for the address": {page: addressPage, comes: func(v *visitor, site quickstart) {
			v.opens(site.tenant + "/login.srf?login_hint=somebody@example.net")
		}},
		"Microsoft refuses a response": {page: verdictPage, scripts: true, comes: func(v *visitor, site quickstart) {
			signsIn(v, site)
			v.comesTo(documentPage)
			v.postsTheResponseAgain(site)
		}},
		"Microsoft signs out": {page: signedOutPage, scripts: true, comes: func(v *visitor, site quickstart) {
			signsIn(v, site)
			v.comesTo(documentPage)
			v.presses("Sign out")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t)
			if !s.scripts {
				v.runsNoScripts()
			}
			s.comes(v, site)
			v.comesTo(s.page)
			v.unfoldsEverything()

			v.findsItsWayAbout()
			v.isToldTheNamesOfEverything()
			for _, scheme := range []string{"light", "dark"} {
				v.prefers(scheme)
				v.canReadEverything(scheme)
				v.seesWhereTheKeyboardIs(scheme)
			}
			v.hasScreen(320, 568)
			v.scrollsDownOnly()
			v.comesTo(s.page) // still: it was this page all along
		})
	}
}

func signsIn(v *visitor, site quickstart) {
	v.t.Helper()
	v.opens(site.smartLink(site.document()))
	v.comesTo(choicePage)
	v.presses("A contractor who was here before")
}

// chooses who signs in, without scripts.
func (v *visitor) chooses(site quickstart, person string) {
	v.t.Helper()
	v.opens(site.smartLink(site.document()))
	v.comesTo(requestPage)
	v.presses("Continue")
	v.comesTo(choicePage)
	v.presses(person)
}

// unfoldsEverything opens what a page keeps folded.
func (v *visitor) unfoldsEverything() {
	v.t.Helper()
	evaluate[bool](v, `document.querySelectorAll("details").forEach(e => { e.open = true; }), true`)
}
