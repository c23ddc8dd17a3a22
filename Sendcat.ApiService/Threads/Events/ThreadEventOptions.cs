using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Threads.Events;

internal sealed class ThreadEventOptions
{
    /// <summary>The most event streams of threads of one principal on one replica.</summary>
    [Knob("THREAD_EVENTS_PER_PRINCIPAL"), Range(1, 1_000)]
    public int PerPrincipal { get; set; } = 8;

    /// <summary>The most event streams of threads on one replica. One address may have a tenth of them.</summary>
    [Knob("THREAD_EVENTS_MAX"), Range(10, 100_000)]
    public int Max { get; set; } = 2_000;
}
