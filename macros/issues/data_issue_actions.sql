{% macro data_issue_actions() %}
    {#- What is done about each problem of account_mapping__data_issues, as {problem: action}. -#}
    {{- return({
        'missing_account_id': 'left out: a row without an id cannot be counted or linked',
        'missing_id': 'left out: a row without an id cannot be counted or linked',
        'duplicate_id': 'left out: the row with the latest update is kept',
        'duplicate_account_id': 'left out: the row with the latest update is kept',
        'no_identity': 'left out: give it a name, website, e-mail domain or identifier',
        'nothing_to_match_by': 'kept and counted, but nothing can match it: give it a name or website',
        'missing_partner_id': 'left out: the row names no partner',
        'unknown_partner': 'left out: add the partner to account_mapping__partners',
        'readable_rows_of_hashed_partner': 'left out: this partner exchanges hashes; set its exchange to list to use them',
        'keys_of_readable_partner': 'left out: this partner exchanges a readable list; set its exchange to keys to use them',
        'other_agreement': 'left out: the keys were made under another agreement_id',
        'other_epoch': 'left out: the keys were made in another epoch; ask for keys of the current one',
        'other_normaliser_version': 'left out: the keys were made by another normaliser version; both sides need the same',
        'malformed_key': 'left out: a key needs a type, an account token and 64 lower-case hex digits',
        'unknown_status_value': 'gives no evidence: add a rule to account_mapping__status_rules',
        'unknown_parent': 'counted as its own ultimate parent',
        'cyclic_parents': 'the least id of the cycle counts as the ultimate parent',
        'merge_cycle': 'the least id of the cycle counts as the survivor',
        'unknown_account': 'left out: its account is not in the CRM',
        'amount_not_a_number': 'the amount counts 0',
        'currency_without_rate': 'the amount counts 0: add the currency to account_mapping__currency_rates',
        'invalid_domain': 'this domain is not used as a key',
        'common_domain': 'not used to match: exclude it as hosting, or declare an alias',
        'name_too_long': 'shown and compared by its first 255 characters',
        'name_control_characters': 'control characters were removed',
        'name_emoji': 'shown as it is; the emoji is set aside when names are compared',
        'name_right_to_left': 'shown as it is; compared by its transliteration',
        'name_formula': 'shown with an apostrophe in front, so that no spreadsheet runs it',
        'name_empty_after_cleaning': 'this name is not used to match: it holds no letter or digit',
        'name_of_many': 'each of our accounts is compared with the 20 of them nearest by country and city',
        'unknown_country': 'the country counts as unknown',
        'invalid_lei': 'the identifier is not used: its check digits are wrong',
        'invalid_duns': 'the identifier is not used: it has not nine digits',
        'invalid_vat_id': 'the identifier is not used: it is no VAT number of its country',
        'unreadable_file': 'left out; the other files were read. Ask for the file again',
        'unknown_file_type': 'left out: send CSV or Parquet',
        'missing_column': 'left out: the list needs a column account_id',
        'doubled_column': 'left out: each column may appear once',
        'nested_column': 'left out: columns hold plain values',
        'not_utf_8': 'read as a Western encoding; save the file as UTF-8 to be sure of accents',
        'malformed_row': 'left out: the row has more or fewer columns than the header',
        'override_of_unknown_account': 'ignored: no such account or partner account, or the bare id is ambiguous',
        'override_of_excluded_account': 'ignored: exclusion beats override',
        'exclusion_of_unknown_account': 'ignored: no such account, or the bare id is ambiguous',
        'setting_of_unknown_partner': 'ignored: add the partner to account_mapping__partners',
        'target_without_account': 'reported outside the denominator',
        'unreadable_condition': 'its population is left out: name a field (status, owner, region, segment, industry, of ours a pass-through alias) and a value',
        'nothing_offered': 'nothing is hashed for this partner: add an offered rule to account_mapping__sharing_agreements',
        'no_statement': 'nothing leaves until this partner sends its statement: run the exchange',
        'malformed_statement': 'nothing leaves or counts as agreed: ask this partner for a statement that can be read',
        'nothing_in_force': 'nothing is hashed for this partner: what we offer and what it accepts have nothing in common today',
        'unknown_field': 'ignored: agreements may name ' ~ (account_mapping.shareable_fields() | join(', ')),
        'field_not_agreed': 'left out: no agreement in force covers this field of this account',
        'counts_refused': 'no counts leave: too few accounts changed since an earlier epoch, so that both together would tell about single ones',
        'exchange_not_supported': 'not matched yet: blinded exchange comes with a later version; use keys or list',
    }) -}}
{% endmacro %}

{% macro data_issue_action(problem) -%}
    {#- The action of a problem, as an expression. -#}
    case {{ problem }}
        {% for code, action in account_mapping.data_issue_actions().items() -%}
        when '{{ code }}'
            then '{{ action | replace("'", "''") }}'
        {% endfor -%}
    end
{%- endmacro %}
