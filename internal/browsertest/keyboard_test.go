package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

func TestTheKeyboardAloneIsEnough(t *testing.T) {
	t.Parallel()
	site := startQuickstart(t, "-lag", "none")
	t.Run("with scripts", func(t *testing.T) {
		t.Parallel()
		v := newVisitor(t)
		v.opens(site.home)
		v.comesTo(homePage)
		v.tabsTo("Open the document")
		v.pressesEnter()
		v.comesTo(choicePage)
		v.tabsTo("A contractor who was here before")
		v.pressesEnter()
		v.comesTo(documentPage)
		require.Equal(t, "returning.contractor@contoso.com", v.reads("upn"))
	})
	t.Run("without scripts", func(t *testing.T) {
		t.Parallel()
		v := newVisitor(t)
		v.runsNoScripts()
		v.opens(site.home)
		v.comesTo(homePage)
		v.tabsTo("Open the document")
		v.pressesEnter()
		v.comesTo(requestPage)
		v.tabsTo("Continue")
		v.pressesEnter()
		v.comesTo(choicePage)
		v.tabsTo("A contractor who was here before")
		v.pressesEnter()
		v.comesTo(responsePage)
		v.tabsTo("Continue")
		v.pressesEnter()
		v.comesTo(documentPage)
		require.Equal(t, "returning.contractor@contoso.com", v.reads("upn"))
	})
}

func (v *visitor) pressesEnter() {
	v.t.Helper()
	require.NoError(v.t, chromedp.Do(v.ctx, chromedp.KeyEvent(kb.Enter)))
}
