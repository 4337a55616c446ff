with

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}

),

latest_accounts as (

    select
        source_relation,
        source_account_id

    from account_versions
    where version_rank = 1

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

opportunity_versions as (

    select * from {{ ref('int_account_mapping__opportunity_versions') }}

),

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}

),

contact_versions as (

    select * from {{ ref('int_account_mapping__contact_versions') }}

),

lead_rows as (

    select * from {{ ref('int_account_mapping__lead_rows') }}

),

lookup_versions as (

    select * from {{ ref('int_account_mapping__lookup_versions') }}

),

unknown_statuses as (

    select * from {{ ref('int_account_mapping__status_evidence') }}
    where
        status is null
        and is_status_field

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

deal_stages as (

    select * from {{ ref('stg_account_mapping__settings_deal_stages') }}

),

stages_of_deals as (

    select
        source_relation,
        {{ account_mapping.crm_kind('source_relation') | indent(8) }} as kind,
        lower(trim(raw_stage)) as stage_key,
        min(raw_stage) as written_stage,
        count(case when is_open and stage_rank is null then 1 end) as unranked_deals

    from opportunities
    where raw_stage is not null
    group by source_relation, lower(trim(raw_stage))

),

staged_rows as (

    {% for versions in [
        'account_versions', 'opportunity_versions', 'contact_versions', 'lookup_versions', 'lead_rows',
    ] -%}
    select
        '{{ versions }}' as origin,
        source_relation,
        source_table,
        record_state,
        row_problem,
        notes

    from {{ versions }}
    {%- if versions == 'account_versions' %}
    where {{ account_mapping.is_no_lead() }}
    {%- elif versions == 'contact_versions' %}
    where not is_lead
    {%- endif %}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}
),

-- a date that cannot be read may be why another version counts
record_rows as (

    select * from staged_rows
    where record_state <> 'rejected'

),

noted as (

    {{ account_mapping.staged_notes('record_rows') | indent(4) }}

),

-- what names no account, one that no row has, or one that was deleted
dangling as (

    select
        opportunity_versions.source_relation || '.' || opportunity_versions.source_table as source,
        case
            when opportunity_versions.source_account_id is null then 'opportunity_without_account'
            else 'account_deleted'
        end as problem,
        opportunity_versions.source_account_id

    from opportunity_versions
    left join latest_accounts
        on
            opportunity_versions.source_relation = latest_accounts.source_relation
            and opportunity_versions.source_account_id = latest_accounts.source_account_id
    left join account_ids
        on
            opportunity_versions.source_relation = account_ids.source_relation
            and opportunity_versions.source_account_id = account_ids.source_account_id
    where
        opportunity_versions.record_state = 'current'
        and account_ids.account_id is null
        and (opportunity_versions.source_account_id is null or latest_accounts.source_account_id is not null)

    {% for versions in ['contact_versions', 'lookup_versions'] -%}
    union all

    select
        {{ versions }}.source_relation || '.' || {{ versions }}.source_table as source,
        case
            when {{ versions }}.source_account_id is null then 'contact_without_account'
            when latest_accounts.source_account_id is not null then 'account_deleted'
            else 'unknown_account'
        end as problem,
        {{ versions }}.source_account_id

    from {{ versions }}
    left join latest_accounts
        on
            {{ versions }}.source_relation = latest_accounts.source_relation
            and {{ versions }}.source_account_id = latest_accounts.source_account_id
    left join account_ids
        on
            {{ versions }}.source_relation = account_ids.source_relation
            and {{ versions }}.source_account_id = account_ids.source_account_id
    where
        {{ versions }}.record_state = 'current'
        and account_ids.account_id is null
        {%- if versions == 'lookup_versions' %}
        and lookup_versions.source_opportunity_id is not null
        {%- else %}
        and not contact_versions.is_lead
        {%- endif %}

    {% endfor -%}
    union all

    -- a company of a deal that no row has
    select
        lookup_versions.source_relation || '.' || lookup_versions.source_table as source,
        'unknown_deal' as problem,
        cast(null as {{ dbt.type_string() }}) as source_account_id

    from lookup_versions
    left join opportunity_versions
        on
            lookup_versions.source_relation = opportunity_versions.source_relation
            and lookup_versions.source_opportunity_id = opportunity_versions.source_opportunity_id
            and opportunity_versions.record_state in ('current', 'merged')
    where
        lookup_versions.record_state = 'current'
        and lookup_versions.source_opportunity_id is not null
        and opportunity_versions.source_opportunity_id is null

),

final as (

    select
        source_relation as source,
        coalesce(account_name, website, '(no name)') as row_key,
        'missing_id' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        1 as n_rows

    from account_versions
    where row_problem = 'missing_id'

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'duplicate_id' as problem,
        account_name as detail,
        1 as n_rows

    from account_versions
    where
        record_state = 'older'
        and is_current_version

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'unknown_parent' as problem,
        parent_source_account_id as detail,
        1 as n_rows

    from account_records
    where has_unknown_parent

    union all

    select
        source_relation as source,
        source_account_id as row_key,
        'merge_cycle' as problem,
        account_id as detail,
        1 as n_rows

    from account_ids
    where is_merge_cycle

    union all

    select
        source_relation as source,
        field as row_key,
        'unknown_status_value' as problem,
        min(written_value) || '; add: ' || source_relation || ',' || field || ',' || min(written_value) || ',<status>'
            as detail,
        count(*) as n_rows

    from unknown_statuses
    group by source_relation, field, raw_value

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'unknown_account' as problem,
        source_account_id as detail,
        1 as n_rows

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
        raw_amount as detail,
        1 as n_rows

    from opportunities
    where
        raw_amount is not null
        and amount is null

    union all

    select
        source_relation || ' opportunities' as source,
        source_opportunity_id as row_key,
        'currency_without_rate' as problem,
        currency as detail,
        1 as n_rows

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
        coalesce(account_records.currency || ' ', '') || account_records.raw_open_amount as detail,
        1 as n_rows

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

    union all

    select
        source,
        row_key,
        problem,
        detail,
        n_rows

    from noted

    union all

    select
        source_relation || '.' || source_table as source,
        '(all)' as row_key,
        row_problem as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from staged_rows
    where
        row_problem is not null
        and (row_problem <> 'missing_id' or origin <> 'account_versions')
    group by source_relation, source_table, row_problem

    union all

    select
        source,
        '(all)' as row_key,
        problem,
        min(source_account_id) as detail,
        count(*) as n_rows

    from dangling
    group by source, problem

    union all

    select
        source_relation || '.' || source_table as source,
        'owner_id' as row_key,
        'unknown_owner' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from account_records
    where has_unknown_owner
    group by source_relation, source_table

    union all

    select
        source_relation || '.' || source_table as source,
        'owner_id' as row_key,
        'unknown_owner' as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from opportunities
    where has_unknown_owner
    group by source_relation, source_table

    union all

    select
        'account_mapping__deal_stages' as source,
        crm || ' ' || stage as row_key,
        'stage_without_deal' as problem,
        stage_name as detail,
        1 as n_rows

    from deal_stages
    where
        not exists (
            select 1 from stages_of_deals
            where
                deal_stages.crm in (stages_of_deals.source_relation, stages_of_deals.kind)
                and deal_stages.stage_key = stages_of_deals.stage_key
        )

    union all

    -- where some stages of a CRM are ranked, the others would come after all of them unseen
    select
        source_relation || ' opportunities' as source,
        written_stage as row_key,
        'stage_without_rank' as problem,
        'add: ' || source_relation || ',' || written_stage || ',,<rank>,' as detail,
        unranked_deals as n_rows

    from stages_of_deals
    where
        unranked_deals > 0
        and exists (
            select 1 from deal_stages
            where
                deal_stages.crm in (stages_of_deals.source_relation, stages_of_deals.kind)
                and deal_stages.stage_rank is not null
        )

)

select * from final
