namespace Sendcat.Benchmarks.Mixture;

/// <summary>How a turn of the mixture is meant to end.</summary>
internal enum Ending
{
    Completion,

    /// <summary>The client goes away: before the headers, before the first token, in the middle.</summary>
    ClientAbort,

    /// <summary><c>POST /api/chat/abort</c> in the middle.</summary>
    ServerAbort,

    /// <summary>The provider refuses, fails in the middle, or cuts the connection.</summary>
    ProviderError,
}

/// <param name="Prompt">With the emulator's markers that bring the ending about.</param>
/// <param name="After">The client acts after so many pieces; -1: without waiting for an answer; 0: at the first byte.</param>
internal sealed record MixedTurn(Ending Ending, string Prompt, int After)
{
    public const int Pieces = 12;

    private const string Whole = "[[emu chunks=12 every=10ms stamp]]";

    /// <summary>A cycle of twenty: eight whole, five left by the client, four aborted, three spoilt by the provider.</summary>
    private static readonly MixedTurn[] Cycle =
    [
        new(Ending.Completion, Whole, 0),
        new(Ending.ClientAbort, Whole, 3),
        new(Ending.ServerAbort, Whole, 2),
        new(Ending.Completion, "[[emu chunks=12 every=5ms stamp reasoning]]", 0),
        new(Ending.ProviderError, "[[emu chunks=12 every=10ms stamp error-after=3 code=400]]", 0),
        new(Ending.Completion, Whole, 0),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=before-headers]]", -1),
        new(Ending.Completion, "[[emu chunks=12 every=0 stamp]]", 0),
        new(Ending.ServerAbort, "[[emu chunks=12 every=10ms stamp hang=mid]]", 1),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=before-first]]", 0),
        new(Ending.Completion, Whole, 0),
        new(Ending.ProviderError, "[[emu status=402]]", 0),
        new(Ending.ServerAbort, Whole, 5),
        new(Ending.Completion, Whole, 0),
        new(Ending.ClientAbort, Whole, 8),
        new(Ending.Completion, "[[emu call=1 tool=get_current_time]] [[emu call=2 chunks=12 every=5ms stamp]]", 0),
        new(Ending.ServerAbort, "[[emu chunks=12 every=10ms stamp hang=before-first]]", 0),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=mid]]", 2),
        new(Ending.ProviderError, "[[emu chunks=12 every=10ms stamp cut-after=5]]", 0),
        new(Ending.Completion, Whole, 0),
    ];

    public static MixedTurn Number(int turn) => Cycle[turn % Cycle.Length];
}
