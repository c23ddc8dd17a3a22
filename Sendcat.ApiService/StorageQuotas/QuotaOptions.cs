using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.StorageQuotas;

/// <summary>How much data a principal may store. Beyond a quota nothing can be added, but existing data can be read and deleted.</summary>
internal sealed class QuotaOptions
{
    /// <summary>The most messages of one thread.</summary>
    [Knob("MESSAGES_PER_THREAD_MAX"), Range(2, 1_000_000)]
    public int MessagesPerThreadMax { get; set; } = 2_000;

    /// <summary>The most threads of a signed-in user whose address is confirmed.</summary>
    [Knob("THREADS_PER_PRINCIPAL_MAX"), Range(1, 1_000_000)]
    public int ThreadsPerPrincipalMax { get; set; } = 1_000;

    /// <summary>The most threads of a guest, and of a user whose address is not confirmed.</summary>
    [Knob("THREADS_PER_GUEST_MAX"), Range(1, 1_000_000)]
    public int ThreadsPerGuestMax { get; set; } = 50;

    /// <summary>
    /// The most bytes of a signed-in user whose address is confirmed: texts, reasoning, tool calls, products and sources of all messages,
    /// and all attachments. An attachment counts as at least 4 KiB.
    /// </summary>
    [Knob("BYTES_PER_PRINCIPAL_MAX"), Range(65_536d, 1e15)]
    public long BytesPerPrincipalMax { get; set; } = 200L * 1024 * 1024;

    /// <summary>The most bytes of all messages and attachments of a guest, and of a user whose address is not confirmed.</summary>
    [Knob("BYTES_PER_GUEST_MAX"), Range(65_536d, 1e15)]
    public long BytesPerGuestMax { get; set; } = 10L * 1024 * 1024;
}
