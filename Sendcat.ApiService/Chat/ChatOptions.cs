using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Chat;

/// <summary>Limits and intervals of a chat turn.</summary>
internal sealed class ChatOptions
{
    /// <summary>Milliseconds that a turn runs on without a reader before it counts as aborted by the client.</summary>
    [Knob("CHAT_DETACH_GRACE_MS"), Range(0, 600_000)]
    public int DetachGraceMs { get; set; } = 30_000;

    /// <summary>
    /// Milliseconds that a signed-in user's turn runs on without a reader while other requests lack a slot. A guest's turn is ended at
    /// once.
    /// </summary>
    [Knob("CHAT_DETACH_GRACE_FULL_MS"), Range(0, 600_000)]
    public int DetachGraceFullMs { get; set; } = 5_000;

    /// <summary>Milliseconds without an event after which a stream gets a comment as a keep-alive.</summary>
    [Knob("CHAT_KEEPALIVE_MS"), Range(2_000, 15_000)]
    public int KeepAliveMs { get; set; } = 12_000;

    /// <summary>Maximum milliseconds until streamed text is written to Postgres.</summary>
    [Knob("CHAT_CHECKPOINT_MS"), Range(100, 1_000)]
    public int CheckpointMs { get; set; } = 800;

    /// <summary>
    /// Milliseconds after which the mirror of a running turn expires in Redis unless its replica renews it. It is renewed three times in
    /// this time, also while the turn is silent.
    /// </summary>
    [Knob("CHAT_MIRROR_TTL_MS"), Range(1_000, 600_000)]
    public int MirrorTtlMs { get; set; } = 30_000;

    /// <summary>Maximum model calls of one turn.</summary>
    [Knob("CHAT_MAX_CYCLES"), Range(1, 20)]
    public int MaxCycles { get; set; } = 10;

    /// <summary>
    /// Maximum characters of text, reasoning and tool arguments that one turn accepts from its model. Beyond them it ends with the finish
    /// reason <c>length</c>.
    /// </summary>
    [Knob("CHAT_MAX_ANSWER_CHARS"), Range(1_000, 4_000_000)]
    public int MaxAnswerChars { get; set; } = 1_000_000;

    /// <summary>
    /// Milliseconds for which a client may accept no data before its connection is closed. The turn continues without it.
    /// </summary>
    [Knob("CHAT_WRITE_TIMEOUT_MS"), Range(2_000, 300_000)]
    public int WriteTimeoutMs { get; set; } = 15_000;

    /// <summary>Maximum milliseconds of a whole turn.</summary>
    [Knob("CHAT_TURN_TIMEOUT_MS"), Range(10_000, 3_600_000)]
    public int TurnTimeoutMs { get; set; } = 900_000;

    /// <summary>Maximum messages of the thread that are sent to the model; the oldest are left out.</summary>
    [Knob("CHAT_HISTORY_MAX_MESSAGES"), Range(2, 1_000)]
    public int HistoryMaxMessages { get; set; } = 200;

    /// <summary>
    /// Maximum characters of history that are sent to the model; the oldest messages are left out, the newest message is always sent.
    /// </summary>
    [Knob("CHAT_HISTORY_MAX_CHARS"), Range(1_000, 4_000_000)]
    public int HistoryMaxChars { get; set; } = 120_000;

    /// <summary>
    /// Maximum bytes of a chat request in <c>useChat</c> shape, which contains the history. Only its last user message is read.
    /// </summary>
    [Knob("CHAT_UI_BODY_MAX_BYTES", Unit = "bytes"), Range(65_536, 67_108_864)]
    public int UiBodyMaxBytes { get; set; } = 16_777_216;

    /// <summary>Milliseconds that running turns have to end by themselves when the host stops (graceful shutdown).</summary>
    [Knob("CHAT_DRAIN_MS"), Range(0, 600_000)]
    public int DrainMs { get; set; } = 20_000;
}
