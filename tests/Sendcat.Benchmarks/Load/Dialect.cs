namespace Sendcat.Benchmarks.Load;

/// <summary>The format of a stream: how it marks a piece of text, an error and the end.</summary>
internal enum Dialect
{
    /// <summary>The chunks of the provider, with <c>[DONE]</c> at the end.</summary>
    OpenRouter,

    /// <summary>The events of Sendcat, with <c>done</c> at the end.</summary>
    Sendcat,
}
