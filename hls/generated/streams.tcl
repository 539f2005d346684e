# Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
# Of each channel: bytes of TDATA, words that it holds at least, and its ends.
namespace eval trivit::streams {
    variable blocks {sequencer gelu softmax normalise select connections}
    variable streams {
        jobs {bytes 32 depth 4 from rtl to sequencer.jobs}
        descriptors {bytes 32 depth 4 from rtl to sequencer.descriptors}
        program_end {bytes 3 depth 4 from sequencer.program_end to rtl}
        engine {bytes 32 depth 4 from sequencer.engine to rtl}
        row_writer {bytes 32 depth 4 from sequencer.row_writer to rtl}
        softmax_writer {bytes 32 depth 4 from sequencer.softmax_writer to rtl}
        norm_writer {bytes 32 depth 4 from sequencer.norm_writer to rtl}
        row_reader {bytes 32 depth 4 from sequencer.row_reader to rtl}
        load {bytes 32 depth 4 from sequencer.load to rtl}
        store {bytes 32 depth 4 from sequencer.store to rtl}
        gelu {bytes 32 depth 4 from sequencer.gelu to gelu.commands}
        softmax {bytes 32 depth 4 from sequencer.softmax to softmax.commands}
        normalise {bytes 32 depth 4 from sequencer.normalise to normalise.commands}
        select {bytes 32 depth 4 from sequencer.select to select.commands}
        connections {bytes 32 depth 4 from sequencer.connections to connections.commands}
        training {bytes 32 depth 4 from sequencer.training to rtl}
        weights0 {bytes 16 depth 4 from sequencer.weights0 to rtl}
        weights1 {bytes 16 depth 4 from sequencer.weights1 to rtl}
        weights2 {bytes 16 depth 4 from sequencer.weights2 to rtl}
        weights3 {bytes 16 depth 4 from sequencer.weights3 to rtl}
        rows0 {bytes 16 depth 4 from sequencer.rows0 to rtl}
        rows1 {bytes 16 depth 4 from sequencer.rows1 to rtl}
        rows2 {bytes 16 depth 4 from sequencer.rows2 to rtl}
        rows3 {bytes 16 depth 4 from sequencer.rows3 to rtl}
        stores0 {bytes 16 depth 4 from sequencer.stores0 to rtl}
        stores1 {bytes 16 depth 4 from sequencer.stores1 to rtl}
        stores2 {bytes 16 depth 4 from sequencer.stores2 to rtl}
        stores3 {bytes 16 depth 4 from sequencer.stores3 to rtl}
        gelu_rows {bytes 64 depth 4 from rtl to gelu.rows}
        gelu_results {bytes 64 depth 4 from gelu.results to rtl}
        softmax_scores {bytes 64 depth 4 from rtl to softmax.scores}
        softmax_results {bytes 32 depth 4 from softmax.results to rtl}
        softmax_cls {bytes 16 depth 4 from softmax.cls to select.cls}
        softmax_all {bytes 34 depth 4 from softmax.all to connections.all}
        connections_open {bytes 4 depth 4 from connections.open to softmax.open}
        select_kept {bytes 1 depth 32 from select.kept to connections.kept}
        select_lists {bytes 16 depth 4 from select.lists to rtl}
        normalise_rows {bytes 32 depth 4 from rtl to normalise.rows}
        normalise_vectors {bytes 32 depth 4 from rtl to normalise.vectors}
        normalise_results {bytes 32 depth 4 from normalise.results to rtl}
        gelu_reports {bytes 8 depth 4 from gelu.reports to rtl}
        softmax_reports {bytes 8 depth 4 from softmax.reports to rtl}
        normalise_reports {bytes 8 depth 4 from normalise.reports to rtl}
        select_reports {bytes 8 depth 4 from select.reports to rtl}
        connections_reports {bytes 8 depth 4 from connections.reports to rtl}
    }
    variable training_blocks {gelu_backward softmax_backward cross_entropy normalise_backward update}
    variable training_streams {
        gelu_backward {bytes 32 depth 4 from rtl to gelu_backward.commands}
        softmax_backward {bytes 32 depth 4 from rtl to softmax_backward.commands}
        cross_entropy {bytes 32 depth 4 from rtl to cross_entropy.commands}
        normalise_backward {bytes 32 depth 4 from rtl to normalise_backward.commands}
        update {bytes 32 depth 4 from rtl to update.commands}
        gelu_backward_rows {bytes 64 depth 4 from rtl to gelu_backward.rows}
        gelu_backward_partners {bytes 64 depth 4 from rtl to gelu_backward.partners}
        gelu_backward_results {bytes 64 depth 4 from gelu_backward.results to rtl}
        softmax_backward_rows {bytes 64 depth 4 from rtl to softmax_backward.rows}
        softmax_backward_partners {bytes 64 depth 4 from rtl to softmax_backward.partners}
        softmax_backward_results {bytes 64 depth 4 from softmax_backward.results to rtl}
        cross_entropy_logits {bytes 64 depth 4 from rtl to cross_entropy.logits}
        cross_entropy_targets {bytes 64 depth 4 from rtl to cross_entropy.targets}
        cross_entropy_results {bytes 64 depth 4 from cross_entropy.results to rtl}
        normalise_backward_rows {bytes 32 depth 4 from rtl to normalise_backward.rows}
        normalise_backward_vectors {bytes 32 depth 4 from rtl to normalise_backward.vectors}
        normalise_backward_results {bytes 32 depth 4 from normalise_backward.results to rtl}
        update_words0 {bytes 16 depth 4 from rtl to update.words0}
        update_words1 {bytes 16 depth 4 from rtl to update.words1}
        update_words2 {bytes 16 depth 4 from rtl to update.words2}
        update_words3 {bytes 16 depth 4 from rtl to update.words3}
        update_results0 {bytes 16 depth 4 from update.results0 to rtl}
        update_results1 {bytes 16 depth 4 from update.results1 to rtl}
        update_results2 {bytes 16 depth 4 from update.results2 to rtl}
        update_results3 {bytes 16 depth 4 from update.results3 to rtl}
        gelu_backward_reports {bytes 8 depth 4 from gelu_backward.reports to rtl}
        softmax_backward_reports {bytes 8 depth 4 from softmax_backward.reports to rtl}
        cross_entropy_reports {bytes 8 depth 4 from cross_entropy.reports to rtl}
        normalise_backward_reports {bytes 8 depth 4 from normalise_backward.reports to rtl}
        update_reports {bytes 8 depth 4 from update.reports to rtl}
    }
}
