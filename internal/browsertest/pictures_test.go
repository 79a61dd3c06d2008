package browsertest

import (
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// takesPicture writes what is on the screen to quickstart-NAME.png, if pictures are asked for.
func (v *visitor) takesPicture(name string) {
	v.t.Helper()
	v.takesPictureOf("quickstart", name)
}

// takesPictureOf writes it to PROGRAM-NAME.png.
func (v *visitor) takesPictureOf(program, name string) {
	v.t.Helper()
	if *pictures == "" {
		return
	}
	evaluate[bool](v, standStill)
	png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	require.NoError(v.t, err)
	require.NoError(v.t, os.MkdirAll(*pictures, 0o755))
	require.NoError(v.t, os.WriteFile(filepath.Join(*pictures, program+"-"+name+".png"), png, 0o644))
}

// standStill stops what moves half-way, so that pictures do not depend on the moment.
const standStill = `document.getAnimations().forEach(a => {
	a.pause();
	a.currentTime = a.effect.getComputedTiming().duration / 2;
}), true`
