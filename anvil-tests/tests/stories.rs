//! The stories: a real anvil, the nodes' own `run`, quotes from soft-tee. `./script/story [WORD]` runs them.
//!
//! One story per file, named as a sentence, under its topic.

mod stories {
    /// An enclave gets its key, and nobody else does.
    mod main {
        mod a_grant_counts_only_once_it_is_final;
        mod a_key_version_that_does_not_count_is_denied_with_a_signature;
        mod a_node_that_did_not_authorize_releases;
        mod a_record_below_the_base_fee_is_paid_more;
        mod copies_of_a_request_leave_its_app_its_budget;
        mod enclave_gets_its_key;
        mod key_comes_though_two_of_five_are_killed;
        mod no_partial_without_a_record;
        mod one_node_lies_about_its_partial_and_is_named;
        mod restart_in_the_middle_of_an_issuance_loses_nothing;
        mod revoked_hash_is_refused_by_chain_and_by_each_node;
        mod same_key_after_all_nodes_restart;
        mod t_minus_one_is_not_enough;
    }
    /// Who may sign, and how many of whom.
    mod committee {
        mod a_seat_that_was_suspended_or_removed_is_dealt_nothing;
        mod dealers_refuse_code_that_was_revoked;
        mod false_seats;
        mod genesis_without_one_of_five_aborts_and_begins_anew;
        mod honest_members_confirm_no_epoch_with_recipients_that_they_refused;
        mod record_refuses_a_signature_of_a_non_member;
        mod record_refuses_a_signature_of_a_suspended_seat;
        mod record_refuses_a_signature_twice;
        mod three_seats_under_one_vendor_are_refused;
    }
    /// What a node believes of an enclave.
    mod evidence {
        mod b_of_another_app_is_refused;
        mod changed_event_log_is_refused;
        mod debug_quote_is_refused;
        mod enclave_of_another_app_is_refused;
        mod old_anchor_is_refused;
        mod quote_of_another_root_is_refused;
        mod quote_over_an_outsiders_data_is_refused;
        mod trailing_bytes_are_refused;
    }
    /// What a node believes of an endpoint.
    mod chain {
        mod dropped_record_is_reported_and_releases_nothing_more;
        mod forged_balance_is_caught;
        mod forged_code_is_caught;
        mod forged_header_is_caught;
        mod forged_slot_is_caught;
        mod stale_head_is_all_that_a_cut_off_node_says;
    }
    /// What people who audit see.
    mod explorer {
        mod a_browser_shows_every_page;
        mod a_file_that_a_reader_brings_is_judged_and_forgotten;
        mod a_policy_that_an_app_never_named_is_no_grant_of_it;
        mod a_text_is_kept_only_if_the_chain_names_it;
        mod a_wallet_votes_on_what_stands_on_the_page;
        mod pages_speak_http_as_written;
        mod verify_says_yes_to_a_true_event_and_no_to_others;
    }
    /// Who changes who gets keys.
    mod governance {
        mod a_dao_votes_an_upgrade_and_the_new_code_gets_the_same_key;
        mod a_hostile_proposal_is_vetoed;
        mod a_lapsed_licence_ends_issuance;
        mod a_safe_upgrades_by_the_batch_that_quorate_wrote;
        mod one_of_two_organisations_withdraws_and_issuance_ends;
    }
    /// What the index holds is what the chain has.
    mod indexer {
        mod a_bundle_proves_an_issuance_and_a_revocation_offline;
        mod a_bundle_proves_every_revocation;
        mod a_deleted_row_turns_readyz_red;
        mod a_list_is_a_file_that_says_what_it_is;
        mod a_revocation_before_its_policy_judged_has_no_bundle;
        mod a_stream_takes_back_what_a_reorg_took;
        mod a_watch_passes_nothing_over;
        mod an_audit_finds_the_policy_that_an_rpc_hides;
        mod an_audit_without_an_indexer_names_what_an_rpc_hides;
        mod an_index_comes_up_from_far_behind;
        mod an_rpc_that_hides_an_event_is_caught;
        mod block_explorers_find_our_sources;
        mod killed_at_random_the_index_is_a_fresh_one;
        mod members_of_a_policy_are_followed;
        mod reorg_unwinds_the_index;
        mod the_api_keeps_to_its_description;
        mod the_index_tells_every_event_of_a_boot;
        mod views_are_the_same_on_postgres;
    }
}
