using Sendcat.Benchmarks.Load;

namespace Sendcat.Benchmarks.Targets;

/// <summary>A source of streams that is measured: the emulator itself, or a process between it and the client.</summary>
internal interface ITarget
{
    string Name { get; }

    /// <summary>The id of the process between client and emulator; null for the direct path.</summary>
    int? ProcessId { get; }

    /// <summary>The ids of the store processes that this process uses.</summary>
    IReadOnlyList<int> StoreProcessIds { get; }

    /// <summary>Creates all resources that the turns of a plan need, so that only the stream itself is measured.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="prompt">The text of the message, with the markers of the emulator.</param>
    /// <param name="cancellationToken">Ends the preparation.</param>
    /// <returns>One request per stream.</returns>
    Task<IReadOnlyList<TurnRequest>> PrepareAsync(LoadPlan plan, string prompt, CancellationToken cancellationToken);
}
