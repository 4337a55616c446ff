{#- MAXIMUM_NAMESAKES of the Python model fuzzy_pairs. -#}
{%- set most_namesakes = 20 -%}
-- sqlfluff:max_line_length:240
with

crm_accounts as (

    select * from {{ ref('int_account_mapping__crm_accounts') }}

),

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_spellings as (

    select * from {{ ref('int_account_mapping__account_spellings') }}

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}

),

partner_rows as (

    select * from {{ ref('int_account_mapping__partner_rows') }}

),

partner_key_rows as (

    select * from {{ ref('int_account_mapping__partner_key_rows') }}

),

own_key_rows as (

    select * from {{ ref('int_account_mapping__own_key_rows') }}

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

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}

),

partner_field_rows as (

    select * from {{ ref('int_account_mapping__partner_field_rows') }}

),

hashed_accounts as (

    select distinct account_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type <> 'account'

),

offered_accounts as (

    select distinct partner_id from {{ ref('int_account_mapping__hashed_keys') }}
    where key_type = 'account'

),

population_conditions as (

    select * from {{ ref('int_account_mapping__population_conditions') }}
    where is_unreadable

),

counted_cells as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from {{ ref('int_account_mapping__counted_cells') }}

),

frozen_counts as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from {{ ref('int_account_mapping__frozen_counts') }}

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}

),

unknown_statuses as (

    select * from {{ ref('int_account_mapping__status_evidence') }}
    where
        status is null
        and is_status_field

),

known_partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

partners as (

    select * from known_partners
    where is_active

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

sharing_agreements as (

    select * from {{ ref('stg_account_mapping__settings_sharing_agreements') }}

),

partner_agreements as (

    select * from {{ ref('stg_account_mapping__partner_agreements') }}

),

-- which partners we state something to, and which have stated something
our_offers as (

    select distinct partner_id from sharing_agreements
    where
        direction = 'offered'
        and sharing_level <> 'hidden'
        and (valid_from is null or valid_from <= {{ account_mapping.as_of() }})
        and (valid_until is null or valid_until >= {{ account_mapping.as_of() }})

),

partner_statements as (

    select
        partner_id,
        max(case when is_malformed then 1 else 0 end) = 1 as is_malformed

    from partner_agreements
    group by partner_id

),

agreement_rules as (

    select
        'account_mapping__sharing_agreements' as source,
        partner_id,
        shared_fields

    from sharing_agreements

    union all

    select
        'partners.partner_agreements' as source,
        partner_id,
        shared_fields

    from partner_agreements

),

agreement_fields as (

    {{ account_mapping.explode_items('agreement_rules', 'shared_fields', ['source', 'partner_id']) | indent(4) }}

),

status_rules as (

    select * from {{ ref('stg_account_mapping__settings_status_rules') }}

),

issues as (

    ---------- our records
    select
        source_relation as source,
        coalesce(account_name, website, '(no name)') as row_key,
        'missing_id' as problem,
        cast(null as {{ dbt.type_string() }}) as detail

    from crm_accounts
    where source_account_id is null

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'duplicate_id' as problem,
        account_name as detail

    from account_versions
    where version_rank > 1

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'unknown_parent' as problem,
        parent_source_account_id as detail

    from account_records
    where has_unknown_parent

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'merge_cycle' as problem,
        account_id as detail

    from account_ids
    where is_merge_cycle

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        'cyclic_parents' as problem,
        members.unit_id as detail

    from members
    inner join account_records
        on members.account_id = account_records.account_id
    where
        members.side = 'ours'
        and members.scope = '*'
        and members.is_cyclic

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        'nothing_to_match_by' as problem,
        account_records.account_name as detail

    from account_records
    left join account_keys
        on
            account_keys.side = 'ours'
            and account_records.account_id = account_keys.account_id
    left join hashed_accounts
        on account_records.account_id = hashed_accounts.account_id
    where
        account_keys.account_id is null
        and hashed_accounts.account_id is null

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'unknown_status_value' as problem,
        field || ': ' || raw_value as detail

    from unknown_statuses

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'unknown_account' as problem,
        source_account_id as detail

    from opportunities
    where
        source_account_id is not null
        and account_id is null
        and not exists (
            select 1 from account_versions
            where
                opportunities.source_relation = account_versions.source_relation
                and opportunities.source_account_id = account_versions.source_account_id
        )

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'amount_not_a_number' as problem,
        raw_amount as detail

    from opportunities
    where
        raw_amount is not null
        and amount is null

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'currency_without_rate' as problem,
        currency as detail

    from opportunities
    where lacks_rate

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        case
            when account_records.open_amount is null then 'amount_not_a_number'
            else 'currency_without_rate'
        end as problem,
        coalesce(account_records.currency || ' ', '') || account_records.raw_open_amount as detail

    from account_records
    left join currency_rates
        on upper(account_records.currency) = currency_rates.currency
    where
        account_records.raw_open_amount is not null
        and (
            account_records.open_amount is null
            or (
                upper(account_records.currency) <> '{{ var("account_mapping__currency") | upper }}'
                and currency_rates.rate is null
            )
        )

    ---------- partners' rows and files
    union all

    select
        source,
        coalesce(partner_id, '(no partner)') || ':'
        || coalesce(account_id, account_name, website, '(no id)') as row_key,
        problem,
        account_name as detail

    from partner_rows
    where
        problem is not null
        and problem <> 'inactive_partner'

    union all

    select
        file_name as source,
        case
            when row_number is null then '(whole file)'
            else 'line ' || cast(row_number as {{ dbt.type_string() }})
        end as row_key,
        problem,
        detail

    from partner_files
    where problem is not null

    union all

    select
        'partners.partner_keys' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' keys' as detail

    from partner_key_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem

    union all

    select
        'partners.partner_fields' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' values of ' || coalesce(field, '(no field)') as detail

    from partner_field_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem, field

    union all

    select
        'own.shared_keys' as source,
        coalesce(partner_id, '(no partner)') as row_key,
        problem,
        cast(count(*) as {{ dbt.type_string() }}) || ' keys' as detail

    from own_key_rows
    where
        problem is not null
        and problem <> 'inactive_partner'
    group by partner_id, problem

    union all

    select
        partner_records.source,
        partner_statuses.partner_id || ':' || partner_statuses.account_id as row_key,
        'unknown_status_value' as problem,
        'status: ' || partner_statuses.raw_value as detail

    from partner_statuses
    inner join partner_records
        on
            partner_statuses.partner_id = partner_records.partner_id
            and partner_statuses.account_id = partner_records.account_id
    where partner_statuses.is_unknown

    union all

    select
        children.source,
        children.partner_id || ':' || children.account_id as row_key,
        'unknown_parent' as problem,
        children.parent_account_id as detail

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
        members.scope || ':' || members.account_id as row_key,
        'cyclic_parents' as problem,
        members.unit_id as detail

    from members
    inner join partner_records
        on
            members.scope = partner_records.partner_id
            and members.account_id = partner_records.account_id
    where
        members.side = 'partner'
        and members.is_cyclic

    union all

    select
        partner_records.source,
        partner_records.partner_id || ':' || partner_records.account_id as row_key,
        case
            when partner_records.open_amount is null then 'amount_not_a_number'
            else 'currency_without_rate'
        end as problem,
        coalesce(partner_records.currency || ' ', '') || partner_records.raw_open_amount as detail

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

    ---------- names, identifiers and domains of both sides
    union all

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || account_id as row_key,
        item as problem,
        left(display_name, 100) as detail

    from (
        {{ account_mapping.explode_items(
            'normalized', 'problems', ['side', 'partner_id', 'account_id', 'display_name']
        ) | indent(8) }}

    ) as name_problems

    -- fuzzy pairs compares an account with at most this many partner accounts of one name
    union all

    select
        'partner accounts' as source,
        partner_id || ':' || min(account_id) as row_key,
        'name_of_many' as problem,
        left(min(name), 60) || ' (' || cast(count(*) as {{ dbt.type_string() }}) || ' accounts)' as detail

    from normalized
    where
        side = 'partner'
        and name is not null
    group by partner_id, name_key, name
    having count(*) > {{ most_namesakes }}

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail

    from account_records
    inner join domains
        on domains.raw_value in (
            account_records.website, account_records.additional_domains, account_records.email_domain
        )
    where domains.problem is not null

    union all

    select
        partner_records.source,
        partner_records.partner_id || ':' || partner_records.account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail

    from partner_records
    inner join domains
        on domains.raw_value in (partner_records.website, partner_records.email_domain)
    where domains.problem is not null

    ---------- settings
    union all

    select
        'account_mapping__match_overrides' as source,
        match_overrides.partner_id || ' ' || match_overrides.account_id || ' '
        || match_overrides.partner_account_id as row_key,
        case
            when account_spellings.account_id is null or partner_records.account_id is null
                then 'override_of_unknown_account'
            else 'override_of_excluded_account'
        end as problem,
        match_overrides.decision as detail

    from match_overrides
    inner join partners
        on match_overrides.partner_id = partners.partner_id
    left join account_spellings
        on match_overrides.account_id = account_spellings.spelling
    left join partner_records
        on
            match_overrides.partner_id = partner_records.partner_id
            and match_overrides.partner_account_id = partner_records.account_id
    where
        account_spellings.account_id is null
        or partner_records.account_id is null
        or (
            match_overrides.decision = 'match'
            and exists (
                select 1 from excluded_accounts
                where
                    (
                        excluded_accounts.side = 'ours'
                        and excluded_accounts.account_id = account_spellings.account_id
                        and excluded_accounts.for_partner_id in ('*', match_overrides.partner_id)
                    )
                    or (
                        excluded_accounts.side = 'partner'
                        and excluded_accounts.account_id = match_overrides.partner_account_id
                        and excluded_accounts.for_partner_id = match_overrides.partner_id
                    )
            )
        )

    union all

    select
        'account_mapping__exclusions' as source,
        exclusions.exclusion_value as row_key,
        'exclusion_of_unknown_account' as problem,
        exclusions.reason as detail

    from exclusions
    left join account_spellings
        on exclusions.exclusion_value = account_spellings.spelling
    left join partner_records
        on
            exclusions.partner_id = partner_records.partner_id
            and exclusions.exclusion_value = partner_records.account_id
    where
        exclusions.kind = 'account_id'
        and account_spellings.account_id is null
        and partner_records.account_id is null

    union all

    select
        settings.source,
        settings.partner_id as row_key,
        'setting_of_unknown_partner' as problem,
        cast(null as {{ dbt.type_string() }}) as detail

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
            'account_mapping__sharing_agreements' as source,
            partner_id

        from sharing_agreements

        union all

        select distinct
            'account_mapping__status_rules' as source,
            source_system as partner_id

        from status_rules
        where source_system not in (
            'partner', '{{ account_mapping.supported_crms() | join("', '") }}'
        )
    ) as settings
    left join known_partners
        on settings.partner_id = known_partners.partner_id
    where known_partners.partner_id is null

    union all

    select
        'account_mapping__target_accounts' as source,
        coalesce(target_account_id, target_domain) as row_key,
        'target_without_account' as problem,
        list_name as detail

    from target_accounts
    where account_id is null

    union all

    select
        'account_mapping__populations' as source,
        population as row_key,
        'unreadable_condition' as problem,
        left(
            side || ': ' || coalesce(field, '(no field)') || ' = ' || coalesce(condition_value, '(no value)'), 100
        ) as detail

    from population_conditions

    union all

    select
        'account_mapping__partners' as source,
        partners.partner_id as row_key,
        case
            when partners.exchange = 'psi' then 'exchange_not_supported'
            when our_offers.partner_id is null then 'nothing_offered'
            when partner_statements.partner_id is null then 'no_statement'
            when partner_statements.is_malformed then 'malformed_statement'
            else 'nothing_in_force'
        end as problem,
        cast(null as {{ dbt.type_string() }}) as detail

    from partners
    left join offered_accounts
        on partners.partner_id = offered_accounts.partner_id
    left join our_offers
        on partners.partner_id = our_offers.partner_id
    left join partner_statements
        on partners.partner_id = partner_statements.partner_id
    where
        partners.exchange = 'psi'
        or (partners.exchange = 'keys' and offered_accounts.partner_id is null)

    union all

    select
        source,
        partner_id as row_key,
        'unknown_field' as problem,
        left(item, 100) as detail

    from agreement_fields
    where item not in ('{{ account_mapping.shareable_fields() | join("', '") }}')

    union all

    select
        'account_mapping__shared_counts' as source,
        counted_cells.partner_id as row_key,
        'counts_refused' as problem,
        counted_cells.epoch as detail

    from counted_cells
    left join frozen_counts
        on
            counted_cells.partner_id = frozen_counts.partner_id
            and counted_cells.agreement_id = frozen_counts.agreement_id
            and counted_cells.epoch = frozen_counts.epoch
    where frozen_counts.partner_id is null

),

grouped as (

    select
        source,
        row_key,
        problem,
        detail,
        count(*) as n_rows

    from issues
    group by source, row_key, problem, detail

),

final as (

    select
        {{ account_mapping.content_hash(['source', 'row_key', 'problem', 'detail']) }} as data_issue_id,
        source,
        {{ account_mapping.spreadsheet_safe('row_key') }} as row_key,
        problem,
        {{ account_mapping.spreadsheet_safe('detail') }} as detail,
        {{ account_mapping.data_issue_action('problem') }} as action,
        cast(n_rows as bigint) as n_rows

    from grouped

)

select * from final
