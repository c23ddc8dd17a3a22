using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.Prompts;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>Estimates the tokens of a prompt before it is sent: a quarter of its characters, rounded up, and the files.</summary>
internal static class PromptSize
{
    /// <summary>About what models charge for a large image.</summary>
    private const long TokensOfImage = 2_000;

    /// <summary>A page of a PDF has some 100 KiB and, as text and image, some 2 000 tokens.</summary>
    private const long BytesOfFileToken = 50;

    private static readonly ModelCapability WithoutTools = new(NativeTools: false, Reasoning: true);

    /// <param name="messages">The conversation without system prompts.</param>
    /// <param name="tools">The tools that are declared.</param>
    public static long Tokens(IReadOnlyList<ProviderMessage> messages, IReadOnlyList<ToolDeclaration> tools) =>
        TokensOf(messages.Sum(Characters) + Fixed(tools)) + messages.Sum(message => message.Attachments.Sum(TokensOf));

    /// <param name="characters">Characters of the conversation.</param>
    /// <param name="tools">The tools that are declared.</param>
    public static long Tokens(long characters, IReadOnlyList<ToolDeclaration> tools) => TokensOf(characters + Fixed(tools));

    private static long TokensOf(long characters) => (characters + ModelCall.CharactersPerToken - 1) / ModelCall.CharactersPerToken;

    private static long TokensOf(ProviderAttachment file) =>
        file.LeftOut is not null ? 0
        : file.MediaType.StartsWith("image/", StringComparison.Ordinal) ? TokensOfImage
        : Math.Max(TokensOfImage, file.Size / BytesOfFileToken);

    private static long Characters(ProviderMessage message) =>
        (message.Content?.Length ?? 0) + (message.ReasoningDetailsJson?.Length ?? 0)
        + message.ToolCalls.Sum(call => (long)call.Name.Length + call.ArgumentsJson.Length);

    /// <summary>
    /// The system prompts and the declarations of the tools, which every call sends. A model without native tools gets them as text.
    /// </summary>
    private static long Fixed(IReadOnlyList<ToolDeclaration> tools) =>
        SystemPrompts.For(WithoutTools, tools).Sum(prompt => (long)prompt.Length);
}
