using Sendcat.Benchmarks.Load;

namespace Sendcat.Benchmarks.Stage;

/// <summary>Something that streams: the emulator itself, or a program between it and the client.</summary>
internal interface ITarget
{
    string Name { get; }

    /// <summary>The process in the middle; null for the direct way.</summary>
    int? ProcessId { get; }

    /// <summary>Processes that the one in the middle gives work to.</summary>
    IReadOnlyList<int> StoreProcessIds { get; }

    /// <summary>Makes everything that the turns of a plan need, so that only the stream itself is measured.</summary>
    /// <param name="prompt">What the user says, emulator markers included.</param>
    Task<IReadOnlyList<Turn>> PrepareAsync(LoadPlan plan, string prompt, CancellationToken cancellationToken);
}
