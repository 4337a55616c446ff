{% macro next_counts(frozen_counts) -%}
    {#- A query of the matrices and lists that are to be kept now, of epochs that have none in the table `frozen_counts`;
        none: there is no such table. -#}
with

suppressed_counts as (

    select * from {{ ref('int_account_mapping__suppressed_counts') }}

),

counted_accounts as (

    select * from {{ ref('int_account_mapping__counted_accounts') }}

),

epochs as (

    select
        partner_id,
        agreement_id,
        epoch,
        max(minimum_count) as minimum_count

    from suppressed_counts
    group by partner_id, agreement_id, epoch

),

{% if frozen_counts -%}
frozen as (

    select * from {{ frozen_counts }}

),

frozen_epochs as (

    select distinct
        partner_id,
        agreement_id,
        epoch

    from frozen

),

new_epochs as (

    select epochs.*
    from epochs
    left join frozen_epochs
        on
            epochs.partner_id = frozen_epochs.partner_id
            and epochs.agreement_id = frozen_epochs.agreement_id
            and epochs.epoch = frozen_epochs.epoch
    where frozen_epochs.partner_id is null

),

-- a new matrix could be subtracted from any earlier one of the partner
comparisons as (

    select
        new_epochs.partner_id,
        new_epochs.minimum_count,
        frozen_epochs.agreement_id,
        frozen_epochs.epoch

    from new_epochs
    inner join frozen_epochs
        on new_epochs.partner_id = frozen_epochs.partner_id

),

compared as (

    select
        comparisons.partner_id,
        comparisons.agreement_id,
        comparisons.epoch,
        counted_accounts.rollup,
        counted_accounts.side,
        counted_accounts.account_id,
        counted_accounts.account_status as new_status,
        cast(null as {{ dbt.type_string() }}) as frozen_status

    from comparisons
    inner join counted_accounts
        on comparisons.partner_id = counted_accounts.partner_id

    union all

    select
        comparisons.partner_id,
        comparisons.agreement_id,
        comparisons.epoch,
        coalesce(frozen.rollup, 'account') as rollup,
        frozen.side,
        frozen.account_id,
        cast(null as {{ dbt.type_string() }}) as new_status,
        frozen.account_status as frozen_status

    from comparisons
    inner join frozen
        on
            comparisons.partner_id = frozen.partner_id
            and comparisons.agreement_id = frozen.agreement_id
            and comparisons.epoch = frozen.epoch
    where frozen.side is not null

),

changed as (

    select
        partner_id,
        agreement_id,
        epoch,
        rollup,
        side,
        account_id

    from compared
    group by partner_id, agreement_id, epoch, rollup, side, account_id
    having coalesce(max(new_status), '') <> coalesce(max(frozen_status), '')

),

-- what our own changes link otherwise says nothing about the partner's list
changes as (

    select
        comparisons.partner_id,
        comparisons.agreement_id,
        comparisons.epoch,
        comparisons.minimum_count,
        changed.rollup,
        changed.side,
        count(*) as n_changed

    from comparisons
    inner join changed
        on
            comparisons.partner_id = changed.partner_id
            and comparisons.agreement_id = changed.agreement_id
            and comparisons.epoch = changed.epoch
    left join changed as our_changes
        on
            our_changes.side = 'ours'
            and changed.side = 'links'
            and changed.partner_id = our_changes.partner_id
            and changed.agreement_id = our_changes.agreement_id
            and changed.epoch = our_changes.epoch
            and changed.rollup = our_changes.rollup
            and changed.account_id = our_changes.account_id
    where our_changes.account_id is null
    group by
        comparisons.partner_id,
        comparisons.agreement_id,
        comparisons.epoch,
        comparisons.minimum_count,
        changed.rollup,
        changed.side

),

-- rows that match nothing do not make a few companies many: each list counts for itself
refused as (

    select distinct partner_id
    from changes
    where n_changed < minimum_count

),

published_epochs as (

    select new_epochs.*
    from new_epochs
    left join refused
        on new_epochs.partner_id = refused.partner_id
    where refused.partner_id is null

),
{% else -%}
published_epochs as (

    select * from epochs

),
{% endif %}
final as (

    select
        suppressed_counts.partner_id,
        suppressed_counts.agreement_id,
        suppressed_counts.epoch,
        suppressed_counts.rollup,
        suppressed_counts.our_status,
        suppressed_counts.partner_status,
        suppressed_counts.companies,
        suppressed_counts.cell_state,
        suppressed_counts.minimum_count,
        cast(null as {{ dbt.type_string() }}) as side,
        cast(null as {{ dbt.type_string() }}) as account_id,
        cast(null as {{ dbt.type_string() }}) as account_status,
        {{ account_mapping.as_of() }} as frozen_on

    from suppressed_counts
    inner join published_epochs
        on
            suppressed_counts.partner_id = published_epochs.partner_id
            and suppressed_counts.agreement_id = published_epochs.agreement_id
            and suppressed_counts.epoch = published_epochs.epoch

    union all

    select
        counted_accounts.partner_id,
        counted_accounts.agreement_id,
        counted_accounts.epoch,
        counted_accounts.rollup,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        cast(null as bigint) as companies,
        cast(null as {{ dbt.type_string() }}) as cell_state,
        cast(null as bigint) as minimum_count,
        counted_accounts.side,
        counted_accounts.account_id,
        counted_accounts.account_status,
        {{ account_mapping.as_of() }} as frozen_on

    from counted_accounts
    inner join published_epochs
        on
            counted_accounts.partner_id = published_epochs.partner_id
            and counted_accounts.agreement_id = published_epochs.agreement_id
            and counted_accounts.epoch = published_epochs.epoch

)

select * from final
{%- endmacro %}
