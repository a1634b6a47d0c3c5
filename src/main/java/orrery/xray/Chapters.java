package orrery.xray;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.HeadingAnchorExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Heading;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;
import org.commonmark.renderer.text.TextContentRenderer;
import orrery.server.Call;

/**
 * The chapters of {@code docs} as pages of the server, so that what a picture shows is explained
 * one click away. The jar has the chapters; it does not have the sources that they name, so links
 * to those become plain text that says where the file is.
 */
final class Chapters {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]+\\.md");
  private static final Pattern INSIDE =
      Pattern.compile("(?:[A-Za-z0-9-]+\\.md|images/.*)?(?:#.*)?");
  private static final Pattern ELSEWHERE = Pattern.compile("https?:.*|/.*");

  private static final List<Extension> EXTENSIONS =
      List.of(TablesExtension.create(), HeadingAnchorExtension.create());
  private static final Parser PARSER = Parser.builder().extensions(EXTENSIONS).build();
  private static final HtmlRenderer HTML = HtmlRenderer.builder().extensions(EXTENSIONS).build();
  private static final TextContentRenderer TEXT =
      TextContentRenderer.builder().extensions(EXTENSIONS).build();

  private static final String PAGE =
      """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>%s · Orrery</title>
      <link rel="icon" href="/xray/icon.svg">
      <link rel="stylesheet" href="/xray/style.css">
      </head>
      <body class="chapter">
      <nav><a href="/">the X-ray page</a> · <a href="/docs/README.md">all chapters</a></nav>
      <main>
      %s</main>
      </body>
      </html>
      """;

  private Chapters() {}

  /**
   * Answers with a chapter, or a picture of one.
   *
   * @throws orrery.server.HttpException 404 if there is none
   */
  static void answer(Call call) throws IOException {
    String name = call.parameter();
    if (!NAME.matcher(name).matches()) {
      Assets.answerPicture(call, name);
      return;
    }
    byte[] source = Assets.bytes(call, "/orrery/docs/" + name);
    String page = page(new String(source, StandardCharsets.UTF_8));
    Assets.answer(call, "text/html; charset=utf-8", page.getBytes(StandardCharsets.UTF_8));
  }

  /** A chapter's Markdown as a page. */
  static String page(String source) {
    Node chapter = PARSER.parse(source);
    Title title = new Title();
    chapter.accept(title);
    chapter.accept(new Links());
    return PAGE.formatted(escaped(title.text), HTML.render(chapter));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }

  /** Finds the first heading. */
  private static final class Title extends AbstractVisitor {
    private String text = "";

    @Override
    public void visit(Heading heading) {
      text = text.isEmpty() ? TEXT.render(heading).strip() : text;
    }
  }

  /** Makes plain text of links that lead out of the chapters, into the repository. */
  private static final class Links extends AbstractVisitor {
    @Override
    public void visit(Link link) {
      visitChildren(link);
      String to = link.getDestination();
      if (INSIDE.matcher(to).matches() || ELSEWHERE.matcher(to).matches()) {
        return;
      }
      for (Node child = link.getFirstChild(); child != null; child = link.getFirstChild()) {
        link.insertBefore(child);
      }
      String path = to.replaceFirst("^(\\.\\./)+", "").replaceFirst("#.*", "");
      link.insertBefore(new Text(" (" + path + ")"));
      link.unlink();
    }
  }
}
