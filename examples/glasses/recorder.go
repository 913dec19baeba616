package main

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// A recorder is the microphone and the memory of the glasses. Nobody speaks in
// this story: noise stands for the voice, and is treated as one.
type recorder struct {
	ref   string // where the recording is kept; means something to the glasses only
	sound []byte // samples of 16 bits
}

const sampleRate = 16000

func newRecorder() *recorder { return &recorder{ref: canon.UUID()} }

// listen records some seconds more.
func (r *recorder) listen(seconds int) {
	sound := make([]byte, 2*sampleRate*seconds)
	_, _ = rand.Read(sound) // never fails
	r.sound = append(r.sound, sound...)
}

// file is the recording so far, as a WAV file of one channel.
func (r *recorder) file() []byte {
	size := uint32(len(r.sound))
	f := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, 36+size)...)
	f = append(f, "WAVEfmt "...)
	f = binary.LittleEndian.AppendUint32(f, 16)
	f = binary.LittleEndian.AppendUint16(f, 1) // PCM
	f = binary.LittleEndian.AppendUint16(f, 1) // channel
	f = binary.LittleEndian.AppendUint32(f, sampleRate)
	f = binary.LittleEndian.AppendUint32(f, 2*sampleRate)
	f = binary.LittleEndian.AppendUint16(f, 2)
	f = binary.LittleEndian.AppendUint16(f, 16)
	f = append(f, "data"...)
	return append(binary.LittleEndian.AppendUint32(f, size), r.sound...)
}

// history is all that the intent holds of what was said: a digest, and where
// the recording is for whoever may hear it (ADD-INT-ICS-02).
func (r *recorder) history() delegation.ConversationHistory {
	return delegation.ConversationHistory{
		Digest: canon.Sum(r.file()), ContextRef: r.ref, InputMode: []string{delegation.InputVoice},
	}
}
