namespace Sendcat.Benchmarks.Load;

/// <summary>How a stream says that a piece of text, an error or the end came.</summary>
internal enum Dialect
{
    /// <summary>The provider's own chunks, ended by <c>[DONE]</c>.</summary>
    OpenRouter,

    /// <summary>Sendcat's events, ended by <c>done</c>.</summary>
    Sendcat,
}
