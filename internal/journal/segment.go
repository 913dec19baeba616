package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const (
	magic      = "actjrnl1"
	headerSize = int64(len(magic) + 8)
	frameSize  = 8 // of a frame without its data
	suffix     = ".log"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// number reads the number out of the name of a segment.
func number(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && n > 0 && segmentName(n) == name
}

func segmentName(n uint64) string { return fmt.Sprintf("%016x%s", n, suffix) }

func header(n uint64) []byte { return binary.LittleEndian.AppendUint64([]byte(magic), n) }

func checksum(p Position, size uint32, data []byte) uint32 {
	var place [20]byte
	binary.LittleEndian.PutUint64(place[:], p.Segment)
	binary.LittleEndian.PutUint64(place[8:], uint64(p.Offset))
	binary.LittleEndian.PutUint32(place[16:], size)
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, data)
}

func appendFrame(buf []byte, p Position, data []byte) []byte {
	size := uint32(len(data)) // at most MaxData
	buf = binary.LittleEndian.AppendUint32(buf, size)
	buf = binary.LittleEndian.AppendUint32(buf, checksum(p, size, data))
	return append(buf, data...)
}

// frame returns the data of the frame at the beginning of text, which stands at
// p, or false when there is none.
func frame(text []byte, p Position) ([]byte, bool) {
	if len(text) < frameSize {
		return nil, false
	}
	size := binary.LittleEndian.Uint32(text)
	if size == 0 || size > MaxData || int64(size) > int64(len(text)-frameSize) {
		return nil, false
	}
	data := text[frameSize : frameSize+int(size)]
	return data, checksum(p, size, data) == binary.LittleEndian.Uint32(text[4:])
}

func readFrame(f io.ReaderAt, p Position) ([]byte, error) {
	var head [frameSize]byte
	if _, err := f.ReadAt(head[:], p.Offset); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > MaxData {
		return nil, &CorruptError{p.Segment, p.Offset}
	}
	text := make([]byte, frameSize+int(size))
	if _, err := f.ReadAt(text, p.Offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	data, ok := frame(text, p)
	if !ok {
		return nil, &CorruptError{p.Segment, p.Offset}
	}
	return data, nil
}

// scan calls f with every frame of a segment's text and returns where they
// end. What follows may be torn, the trace of a write that never ended, only in
// the last segment, and only when no frame stands behind it.
func scan(text []byte, segment uint64, last bool, f func(Position, []byte) error) (end int64, err error) {
	if int64(len(text)) < headerSize || string(text[:headerSize]) != string(header(segment)) {
		// A crash while the segment was made leaves a beginning of the header.
		if last && int64(len(text)) <= headerSize {
			return 0, nil
		}
		return 0, &CorruptError{segment, 0}
	}
	at := headerSize
	for at < int64(len(text)) {
		p := Position{segment, at}
		data, ok := frame(text[at:], p)
		if !ok {
			break
		}
		if err := f(p, data); err != nil {
			return 0, err
		}
		at += frameSize + int64(len(data))
	}
	if at == int64(len(text)) {
		return at, nil
	}
	if !last || followed(text, segment, at+1) {
		return 0, &CorruptError{segment, at}
	}
	return at, nil
}

// followed reports whether a whole frame begins at or after from.
func followed(text []byte, segment uint64, from int64) bool {
	for ; from+frameSize < int64(len(text)); from++ {
		if _, ok := frame(text[from:], Position{segment, from}); ok {
			return true
		}
	}
	return false
}

// load reads all segments and makes the last one ready to be written.
func (j *Journal) load(replay func(Position, []byte) error) error {
	all, err := segments(j.dir)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		f, err := create(j.dir, 1)
		if err != nil {
			return err
		}
		j.files[1], j.first, j.last, j.end, j.size = f, 1, 1, headerSize, headerSize
		return nil
	}
	j.first, j.last = all[0], all[len(all)-1]
	for _, n := range all {
		f, err := os.OpenFile(filepath.Join(j.dir, segmentName(n)), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		j.files[n] = f
		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		end, err := scan(text, n, n == j.last, replay)
		if err != nil {
			return err
		}
		if n == j.last {
			if end, err = j.mend(f, text, end); err != nil {
				return err
			}
			j.end = end
		}
		j.size += end
	}
	return nil
}

// mend cuts off what is torn, and writes a header that is.
func (j *Journal) mend(f *os.File, text []byte, end int64) (int64, error) {
	if end == int64(len(text)) && end > 0 {
		return end, nil
	}
	j.torn = int64(len(text)) - end
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	if end == 0 {
		if _, err := f.WriteAt(header(j.last), 0); err != nil {
			return 0, err
		}
		end = headerSize
	}
	return end, errors.Join(f.Sync(), syncDir(j.dir))
}

// create makes a segment that is on the disk with its name.
func create(dir string, n uint64) (*os.File, error) {
	name := filepath.Join(dir, segmentName(n))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(header(n))
	if err = errors.Join(err, f.Sync(), syncDir(dir)); err != nil {
		_ = f.Close()
		_ = os.Remove(name) // an empty segment may also stay: it is mended when opened
		return nil, err
	}
	return f, nil
}

// syncDir makes names durable. Windows has no such call and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
