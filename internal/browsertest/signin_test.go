package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/stretchr/testify/require"
)

// The first sign-in of a person, from the link to the document. The seed is one with which the tenant takes several
// seconds to know the new account before it can be licensed, so that there is something to watch; "quickstart -once
// -seed 1" shows how many.
func TestANewPersonIsProvisionedLicensedAndSignedIn(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "normal", "-seed", "1")
	v := newVisitor(t)
	v.watchesProgress()

	v.opens(site.home)
	v.comesTo(homePage)
	v.takesPicture("home")
	v.presses("Open the document")
	v.comesTo(choicePage)
	v.takesPicture("sign-in")
	v.presses("A contractor with a Google account")

	waiting := v.comesTo(progressPage)
	require.Contains(t, waiting.Address, site.home+"/entra/signin/")
	require.True(t, v.isToldOfChanges(), "a screen reader is told of each step")
	v.waits("the last step", func() bool {
		return slices.ContainsFunc(v.progressSeen(), func(s sight) bool { return s.Announced == settling })
	})
	v.takesPicture("progress")
	v.prefers("dark")
	v.takesPicture("progress-dark")
	v.prefers("light")

	v.comesTo(documentPage)
	require.Equal(t, "google.contractor@contoso.com", v.reads("upn"))
	require.Equal(t, "Google Contractor", v.reads("display-name"))
	v.waits("the licence, which the tenant's replicas show after a while", func() bool {
		v.opens(site.document())
		v.comesTo(documentPage)
		return v.reads("licences") == "O365_BUSINESS_PREMIUM"
	})
	v.takesPicture("signed-in")

	seen := v.progressSeen()
	t.Run("the steps appeared one after the other", func(t *testing.T) { stepsInOrder(t, seen) })
	t.Run("each was announced", func(t *testing.T) { stepsAnnounced(t, seen) })
	t.Run("the page was loaded once and followed one stream", func(t *testing.T) {
		for _, s := range seen {
			require.Equal(t, seen[0].Document, s.Document, "the page was loaded again")
		}
		streams := v.did.requestsOf(waiting.Address + "/progress")
		require.Len(t, streams, 1)
		require.Equal(t, network.ResourceTypeEventSource, streams[0].Kind)
	})
	t.Run("one response was posted, to the tenant", func(t *testing.T) {
		require.Len(t, v.did.requestsOf(site.tenant+"/login.srf"), 2, "the smart link and the answer")
	})
}

// The steps that matter to a new person, as the page words them.
const (
	creating  = "Creating your account"
	licensing = "Assigning your licence"
	settling  = "Waiting until your account is ready everywhere"
)

func stepsInOrder(t *testing.T, seen []sight) {
	t.Helper()
	moments := []string{
		licensing + " (under way)",
		licensing + " (done)",
		settling + " (under way)",
		settling + " (done)",
	}
	before := -1
	for _, moment := range moments {
		at := slices.IndexFunc(seen, func(s sight) bool { return s.has(moment) })
		require.GreaterOrEqual(t, at, 0, "never shown: %s\n%+v", moment, seen)
		require.GreaterOrEqual(t, at, before, "shown too early: %s\n%+v", moment, seen)
		before = at
	}
	last := seen[len(seen)-1]
	require.True(t, last.has(creating+" (done)"), "%+v", last)
	for _, s := range last.Steps {
		require.Equal(t, "done", s.State, "when it goes on, everything is done")
	}
	for i, s := range seen[:len(seen)-1] {
		require.LessOrEqual(t, len(s.Steps), len(seen[i+1].Steps), "a step disappeared")
	}
}

// stepsAnnounced checks what a screen reader reads out: steps in their order, each once.
func stepsAnnounced(t *testing.T, seen []sight) {
	t.Helper()
	var announced []string
	for _, s := range seen {
		if s.Announced != "" {
			announced = append(announced, s.Announced)
		}
	}
	announced = slices.Compact(announced)
	var order []string
	for _, s := range seen[len(seen)-1].Steps {
		label := strings.TrimSuffix(s.Text, " (done)")
		if slices.Contains(announced, label) {
			order = append(order, label)
		}
	}
	require.Equal(t, order, announced)
	require.Subset(t, announced, []string{licensing, settling})
}
