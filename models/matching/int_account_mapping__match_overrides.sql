with

match_overrides as (

    select * from {{ ref('stg_account_mapping__settings_match_overrides') }}

),

account_spellings as (

    select * from {{ ref('int_account_mapping__account_spellings') }}

),

resolved as (

    select
        match_overrides.partner_id,
        account_spellings.account_id,
        match_overrides.partner_account_id,
        match_overrides.decision,
        match_overrides.decided_by,
        match_overrides.decided_on,
        row_number() over (
            partition by
                match_overrides.partner_id,
                account_spellings.account_id,
                match_overrides.partner_account_id
            order by
                match_overrides.decided_on desc nulls last,
                match_overrides.decision desc,
                match_overrides.decided_by
        ) as preference

    from match_overrides
    inner join account_spellings
        on match_overrides.account_id = account_spellings.spelling

),

final as (

    -- the latest decision on a pair counts; between two of one day `no_match` (it sorts last) is the safer
    select
        partner_id,
        account_id,
        partner_account_id,
        decision,
        decided_by,
        decided_on

    from resolved
    where preference = 1

)

select * from final
