namespace Sendcat.Benchmarks.Mixture;

/// <summary>The intended end of a turn of the mixture.</summary>
internal enum Ending
{
    Completion,

    /// <summary>The client closes the connection: before the headers, before the first token, or during the stream.</summary>
    ClientAbort,

    /// <summary><c>POST /api/chat/abort</c> during the stream.</summary>
    ServerAbort,

    /// <summary>The provider refuses the request, fails during the stream, or closes the connection.</summary>
    ProviderError,
}

/// <summary>A turn of the mixture.</summary>
/// <param name="Ending">The intended end.</param>
/// <param name="Prompt">The text of the message, with the markers of the emulator that cause the end.</param>
/// <param name="After">The number of pieces after which the client acts; 0: at the first byte; -1: before the response.</param>
internal sealed record MixedTurn(Ending Ending, string Prompt, int After)
{
    public const int Pieces = 12;

    private const string Complete = "[[emu chunks=12 every=10ms stamp]]";

    /// <summary>A cycle of twenty turns: eight complete, five client aborts, four server aborts, three errors of the provider.</summary>
    private static readonly MixedTurn[] Cycle =
    [
        new(Ending.Completion, Complete, 0),
        new(Ending.ClientAbort, Complete, 3),
        new(Ending.ServerAbort, Complete, 2),
        new(Ending.Completion, "[[emu chunks=12 every=5ms stamp reasoning]]", 0),
        new(Ending.ProviderError, "[[emu chunks=12 every=10ms stamp error-after=3 code=400]]", 0),
        new(Ending.Completion, Complete, 0),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=before-headers]]", -1),
        new(Ending.Completion, "[[emu chunks=12 every=0 stamp]]", 0),
        new(Ending.ServerAbort, "[[emu chunks=12 every=10ms stamp hang=mid]]", 1),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=before-first]]", 0),
        new(Ending.Completion, Complete, 0),
        new(Ending.ProviderError, "[[emu status=402]]", 0),
        new(Ending.ServerAbort, Complete, 5),
        new(Ending.Completion, Complete, 0),
        new(Ending.ClientAbort, Complete, 8),
        new(Ending.Completion, "[[emu call=1 tool=get_current_time]] [[emu call=2 chunks=12 every=5ms stamp]]", 0),
        new(Ending.ServerAbort, "[[emu chunks=12 every=10ms stamp hang=before-first]]", 0),
        new(Ending.ClientAbort, "[[emu chunks=12 every=10ms stamp hang=mid]]", 2),
        new(Ending.ProviderError, "[[emu chunks=12 every=10ms stamp cut-after=5]]", 0),
        new(Ending.Completion, Complete, 0),
    ];

    /// <summary>The turn with this number.</summary>
    public static MixedTurn At(int turn) => Cycle[turn % Cycle.Length];
}
