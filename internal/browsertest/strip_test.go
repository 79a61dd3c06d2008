package browsertest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// The size of a page of a strip, and of the gap between two, in CSS pixels.
const (
	stripWidth  = 480
	stripHeight = 560
	stripGap    = 8
)

// strip is what somebody sees one after the other, as one picture: the pages beside each other, from left to right.
type strip struct {
	v     *visitor
	pages []image.Image
}

// keepsStrip sets the size of the page for a strip, if pictures are asked for.
func (v *visitor) keepsStrip() *strip {
	v.t.Helper()
	if *pictures != "" {
		v.hasScreen(stripWidth, stripHeight)
	}
	return &strip{v: v}
}

// add adds what is on the screen, if pictures are asked for.
func (s *strip) add() {
	s.v.t.Helper()
	if *pictures == "" {
		return
	}
	evaluate[bool](s.v, standStill)
	screen, err := chromedp.Run(s.v.ctx, chromedp.CaptureScreenshot())
	require.NoError(s.v.t, err)
	page, err := png.Decode(bytes.NewReader(screen))
	require.NoError(s.v.t, err)
	s.pages = append(s.pages, page)
}

// write writes the strip to NAME.png, if pictures are asked for.
func (s *strip) write(name string) {
	s.v.t.Helper()
	if *pictures == "" {
		return
	}
	whole := image.NewRGBA(image.Rect(0, 0, len(s.pages)*(stripWidth+stripGap)-stripGap, stripHeight))
	draw.Draw(whole, whole.Bounds(), image.NewUniform(color.Gray{Y: 0x88}), image.Point{}, draw.Src)
	for i, page := range s.pages {
		left := i * (stripWidth + stripGap)
		draw.Draw(whole, image.Rect(left, 0, left+stripWidth, stripHeight), page, page.Bounds().Min, draw.Src)
	}
	var file bytes.Buffer
	require.NoError(s.v.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, commonest(whole)))
	require.NoError(s.v.t, os.MkdirAll(*pictures, 0o755))
	require.NoError(s.v.t, os.WriteFile(filepath.Join(*pictures, name+".png"), file.Bytes(), 0o644))
}

// commonest is the picture in its 256 commonest colours. The others are those of the edges of letters, where nobody sees the
// difference, and the file is a third as large.
func commonest(whole *image.RGBA) *image.Paletted {
	count := map[color.Color]int{}
	for y := range whole.Rect.Dy() {
		for x := range whole.Rect.Dx() {
			count[whole.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	few := image.NewPaletted(whole.Rect, colours[:min(256, len(colours))])
	draw.Draw(few, few.Rect, whole, image.Point{}, draw.Src)
	return few
}
