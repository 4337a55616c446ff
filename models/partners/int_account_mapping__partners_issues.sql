{#- a rule for a tier or type that still bears its name has found no partner -#}
{%- set group_rule = "(lower(partner_id) like 'tier:%' or lower(partner_id) like 'type:%')" -%}
-- sqlfluff:max_line_length:240
with

partner_rows as (

    select * from {{ ref('int_account_mapping__partner_rows') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

partner_files as (

    select * from {{ ref('stg_account_mapping__partner_files') }}

),

known_partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

match_overrides as (

    select * from {{ ref('stg_account_mapping__settings_match_overrides') }}

),

exclusions as (

    select * from {{ ref('stg_account_mapping__settings_exclusions') }}

),

partner_columns as (

    select * from {{ ref('stg_account_mapping__settings_partner_columns') }}

),

sharing_agreements as (

    select * from {{ ref('stg_account_mapping__settings_sharing_agreements') }}

),

partner_agreements as (

    select * from {{ ref('stg_account_mapping__partner_agreements') }}

),

agreement_rules as (

    select
        'account_mapping__sharing_agreements' as source,
        partner_id,
        direction,
        sharing_level,
        shared_fields

    from sharing_agreements

    union all

    select
        'partners.partner_agreements' as source,
        partner_id,
        direction,
        sharing_level,
        shared_fields

    from partner_agreements

),

-- what lets persons be told one by one, by the rules of one side and by those of both
row_rules as (

    select
        source,
        partner_id,
        direction,
        sharing_level in ('overlapping', 'all')
        and ';' || replace(replace(shared_fields, ' ', ''), ',', ';') || ';' like '%;person;%' as is_complete

    from agreement_rules
    where ';' || replace(replace(shared_fields, ' ', ''), ',', ';') || ';' like '%;person_rows;%'

),

partners_with_rows as (

    select distinct partner_id
    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'in'
        and {{ account_mapping.tells_persons() }}

),

agreement_fields as (

    {{ account_mapping.explode_items('agreement_rules', 'shared_fields', ['source', 'partner_id']) | indent(4) }}

),

status_rules as (

    select * from {{ ref('stg_account_mapping__settings_status_rules') }}

),

key_rows as (

    select * from {{ ref('int_account_mapping__key_rows') }}

),

deal_rows as (

    select * from {{ ref('int_account_mapping__deal_rows') }}

),

partner_deals as (

    select * from {{ ref('int_account_mapping__partner_deals') }}

),

partner_contact_rows as (

    select * from {{ ref('int_account_mapping__partner_contact_rows') }}

),

person_key_rows as (

    select * from {{ ref('int_account_mapping__person_key_rows') }}

),

written_values as (

    {% for column, problem in {
        'customer_since': 'date_not_readable',
        'deal_close_date': 'date_not_readable',
        'last_won_on': 'date_not_readable',
        'updated_at': 'date_not_readable',
        'annual_revenue': 'number_not_readable',
        'employee_count': 'number_not_readable',
    }.items() -%}
    select
        file_name,
        '{{ column }}' as column_name,
        '{{ problem }}' as problem,
        {{ account_mapping.clean_text(column) }} as written

    from partner_files
    where kind = 'row'
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}
),

unreadable_values as (

    select * from written_values
    where
        written is not null
        and case
            when problem = 'date_not_readable'
                then {{ account_mapping.to_timestamp('written', is_clean=true) }} is null
            else {{ account_mapping.to_decimal('written') }} is null
        end

),

noted_rows as (

    select
        'partners' as source_relation,
        'partner_accounts' as source_table,
        notes

    from partner_rows
    where notes is not null

    union all

    select
        source_relation,
        source_table,
        notes

    from deal_rows
    where notes is not null

    union all

    select
        source_relation,
        source_table,
        notes

    from partner_contact_rows
    where notes is not null

),

noted as (

    {{ account_mapping.staged_notes('noted_rows') | indent(4) }}

),

final as (

    select
        source,
        row_key,
        problem,
        detail,
        n_rows

    from noted

    union all

    select
        source,
        coalesce(partner_id, '(no partner)') || ':'
        || coalesce(account_id, account_name, website, '(no id)') as row_key,
        problem,
        account_name as detail,
        1 as n_rows

    from partner_rows
    where
        problem is not null
        and problem <> 'inactive_partner'

    union all

    select
        file_name as source,
        case
            when row_number is not null then 'line ' || cast(row_number as {{ dbt.type_string() }})
            when n_rows is null then '(whole file)'
            else '(all)'
        end as row_key,
        problem,
        detail,
        greatest(coalesce(n_rows, 1), 1) as n_rows

    from partner_files
    where kind = 'problem'

    union all

    -- what the list's columns hold, and nobody can read as a date or a number
    select
        file_name as source,
        column_name as row_key,
        problem,
        'such as: ' || min(written) as detail,
        count(*) as n_rows

    from unreadable_values
    group by file_name, column_name, problem

    union all

    select
        case side when 'ours' then 'own.shared_keys' else 'partners.partner_keys' end as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' keys' as detail,
        1 as n_rows

    from key_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by side, partner_id, problem

    union all

    -- one per word, with the row of settings that it needs
    select
        partner_records.source,
        'status' as row_key,
        'unknown_status_value' as problem,
        'status: ' || min(partner_records.status) || '; add: ' || partner_statuses.partner_id || ',status,'
        || min(partner_records.status) || ',<status>' as detail,
        count(*) as n_rows

    from partner_statuses
    inner join partner_records
        on
            partner_statuses.partner_id = partner_records.partner_id
            and partner_statuses.account_id = partner_records.account_id
    where partner_statuses.is_unknown
    group by partner_records.source, partner_statuses.partner_id, partner_statuses.raw_value

    union all

    select
        'partners.partner_keys' as source,
        partner_id as row_key,
        'status_not_agreed' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from partner_statuses
    where is_not_agreed
    group by partner_id

    union all

    select
        children.source,
        children.partner_id || ':' || children.account_id as row_key,
        'unknown_parent' as problem,
        children.parent_account_id as detail,
        1 as n_rows

    from partner_records as children
    left join partner_records as parents
        on
            children.partner_id = parents.partner_id
            and children.parent_account_id = parents.account_id
    where
        children.is_readable
        and children.parent_account_id is not null
        and parents.account_id is null

    union all

    select
        partner_records.source,
        partner_records.partner_id || ':' || partner_records.account_id as row_key,
        case
            when partner_records.open_amount is null then 'amount_not_a_number'
            else 'currency_without_rate'
        end as problem,
        coalesce(partner_records.currency || ' ', '') || partner_records.raw_open_amount as detail,
        1 as n_rows

    from partner_records
    left join currency_rates
        on upper(partner_records.currency) = currency_rates.currency
    where
        partner_records.raw_open_amount is not null
        and (
            partner_records.open_amount is null
            or (
                upper(partner_records.currency) <> '{{ var("account_mapping__currency") | upper }}'
                and currency_rates.rate is null
            )
        )

    ---------- deals

    union all

    select
        'partners.partner_deals' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        'such as: ' || min(coalesce(deal_id, account_id, stage, '(no id)')) as detail,
        count(*) as n_rows

    from deal_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem

    {% for problem, condition in {
        'deal_flag_not_readable': 'is_flag_unreadable',
        'deal_outcomes_differ': 'is_contradictory',
        'deal_outcome_unknown': 'is_outcome_unknown',
        'deal_currency_without_rate': 'lacks_rate',
    }.items() -%}
    union all

    select
        'partners.partner_deals' as source,
        partner_id as row_key,
        '{{ problem }}' as problem,
        'such as: ' || min(deal_id) as detail,
        count(*) as n_rows

    from partner_deals
    where {{ condition }}
    group by partner_id

    {% endfor -%}
    {% if not var('account_mapping__history') -%}
    union all

    select
        'partners.partner_deals' as source,
        partner_id as row_key,
        'deals_without_history' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from partner_deals
    group by partner_id

    {% endif -%}
    ---------- persons, of whom nothing but their number is told

    union all

    select
        'partners.partner_contacts' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from partner_contact_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem

    union all

    select
        case side when 'ours' then 'own.shared_keys' else 'partners.partner_keys' end as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' keys of persons' as detail,
        1 as n_rows

    from person_key_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by side, partner_id, problem

    {% if not var('account_mapping__people') -%}
    union all

    select
        'partners.partner_contacts' as source,
        partner_id as row_key,
        'contacts_without_people' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from partner_contact_rows
    where record_state = 'current'
    group by partner_id

    union all

    select
        source,
        partner_id as row_key,
        'person_without_people' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from agreement_fields
    where
        item = 'person'
        and source = 'account_mapping__sharing_agreements'
    group by source, partner_id

    {% else -%}
    union all

    -- agreed by us, as far as our rules go, and by no rule of the partner's
    select
        row_rules.source,
        row_rules.partner_id as row_key,
        'person_rows_not_agreed' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from row_rules
    inner join known_partners
        on row_rules.partner_id = known_partners.partner_id
    left join partners_with_rows
        on row_rules.partner_id = partners_with_rows.partner_id
    where
        row_rules.source = 'account_mapping__sharing_agreements'
        and row_rules.direction = 'accepted'
        and row_rules.is_complete
        and known_partners.is_active
        and partners_with_rows.partner_id is null
    group by row_rules.source, row_rules.partner_id

    {% endif -%}
    union all

    select
        source,
        partner_id as row_key,
        'person_rows_without_person' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from row_rules
    where not is_complete
    group by source, partner_id

    ---------- names, identifiers and domains of both sides

    union all

    select
        settings.source,
        settings.partner_id as row_key,
        'setting_of_unknown_partner' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        1 as n_rows

    from (
        select distinct
            'account_mapping__match_overrides' as source,
            partner_id

        from match_overrides

        union all

        select distinct
            'account_mapping__exclusions' as source,
            partner_id

        from exclusions
        where partner_id <> '*'

        union all

        select distinct
            'account_mapping__partner_columns' as source,
            partner_id

        from partner_columns
        where partner_id <> '*'

        union all

        select distinct
            'account_mapping__sharing_agreements' as source,
            partner_id

        from sharing_agreements
        where not {{ group_rule }}

        union all

        select distinct
            'account_mapping__status_rules' as source,
            source_system as partner_id

        from status_rules
        where source_system not in (
            'partner',
            '{{ (account_mapping.supported_crms() + account_mapping.crm_instances() | map(attribute="name") | list)
                | unique | join("', '") }}'
        )
    ) as settings
    left join known_partners
        on settings.partner_id = known_partners.partner_id
    where known_partners.partner_id is null

    union all

    select distinct
        'account_mapping__sharing_agreements' as source,
        partner_id as row_key,
        'agreement_with_no_partner' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        1 as n_rows

    from sharing_agreements
    where {{ group_rule }}

    union all

    select
        source,
        partner_id as row_key,
        'unknown_field' as problem,
        left(item, 100) as detail,
        1 as n_rows

    from agreement_fields
    where item not in ('{{ account_mapping.agreement_fields() | join("', '") }}')

)

select * from final
