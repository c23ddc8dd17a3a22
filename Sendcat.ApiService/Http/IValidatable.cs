namespace Sendcat.ApiService.Http;

/// <summary>A request body that knows its own rules beyond the shape of its JSON.</summary>
internal interface IValidatable
{
    /// <summary>One short sentence for each rule that is broken; they end up in the text of a 400 <c>invalid_request</c>.</summary>
    IEnumerable<string> Problems();
}
