package terminal

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress("provision", &out, true, time.Now)
		p.Expect(100, 20)
		stop := p.Show(t.Context())
		time.Sleep(10*time.Second - time.Millisecond)
		for i := range 30 {
			p.Add(i < 2)
		}
		p.Note("line 7: refused: \x1b[2J")
		time.Sleep(20 * time.Millisecond)
		stop()
		const erase = "\r\x1b[K"
		drawn := strings.Split(out.String(), erase)
		require.Equal(t, "[####....................] 20 of 100 (20 %), 0 failed, 0s", drawn[0])
		require.Equal(t, "line 7: refused: \\u001b[2J\n[############............] 50 of 100 (50 %), 2 failed, 10s, about 17s left",
			drawn[len(drawn)-2])
		require.Empty(t, drawn[len(drawn)-1], "nothing of it is left")
	})
}

func TestALogGetsALineNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress("provision", &out, false, time.Now)
		stop := p.Show(t.Context())
		p.Add(false)
		time.Sleep(25 * time.Second)
		stop()
		require.Equal(t, "provision: 1, 0 failed, 10s\nprovision: 1, 0 failed, 20s\n", out.String())
	})
}

func TestTheProgressEndsWithTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stop := NewProgress("provision", &bytes.Buffer{}, true, time.Now).Show(ctx)
		cancel()
		synctest.Wait()
		stop()
	})
}

func TestALogSharesTheTerminalWithTheBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress("provision", &out, true, time.Now)
	p.draw()
	fmt.Fprintln(p, "a record")
	require.Equal(t, "0, 0 failed, 0s\r\x1b[Ka record\n", out.String())
}
